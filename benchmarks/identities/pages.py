"""Writes a topic and one of its claims as a page of Markdown, in English or Chinese, in any of several layouts."""

from __future__ import annotations

from dataclasses import dataclass

from identities.latex import Printer, Spelling
from identities.notation import Declaration, Topic
from identities.tree import Node

WORDS = {
    "symmetric": ("symmetric", "对称矩阵"),
    "skew": ("skew-symmetric", "反对称矩阵"),
    "spd": ("symmetric positive definite", "对称正定矩阵"),
    "psd": ("symmetric positive semidefinite", "对称半正定矩阵"),
    "orthogonal": ("orthogonal", "正交矩阵"),
    "invertible": ("invertible", "可逆矩阵"),
    "diagonal": ("diagonal", "对角矩阵"),
    "lower": ("lower triangular", "下三角矩阵"),
    "unit": ("a unit vector", "单位向量"),
    "simplex": ("a probability vector", "概率向量"),
    "onehot": ("one-hot", "独热向量"),
}
NOISE = {
    "en": (
        "These notes follow a lecture given in the spring; comments are welcome.",
        "The experiment took 3 hours on two machines and cost about \\$40.",
        "Readers in a hurry may skip to the last section.",
    ),
    "zh": (
        "本节内容来自春季课程的讲义，欢迎指正。",
        "实验在两台机器上运行了 3 个小时，花费约 40 元。",
        "赶时间的读者可以直接跳到最后一节。",
    ),
}
LEADS = {
    "en": ("Then", "Then we have", "It follows that", "Hence", "We obtain"),
    "zh": ("则", "则有", "于是", "因此", "可得"),
}


AFTER = {"be positive integers": "are positive integers", "be": "is", "satisfy": "satisfies", "have": "has"}
"""“Let … be” is “Here … is” behind what it is about."""


@dataclass(frozen=True)
class Layout:
    language: str = "en"
    display: str = "dollars"
    """`dollars`, `lines` (one side a line), `brackets`, `align`, `aligned`, `equation`, `inline`, `fence`."""
    declarations: str = "sentence"
    """`sentence`, `list`, `after`, `reversed`, `single` (one sentence each), `section` (under a heading of its own)."""
    noise: bool = False
    lead: int = 0
    headings: bool = True
    punctuation: str = ""
    crlf: bool = False


PLAIN, ENGLISH = Spelling(), Layout()


@dataclass(frozen=True)
class Page:
    text: str
    first: int
    last: int
    """Lines of the claim."""


def render(topic: Topic, claim: Node, spelling: Spelling = PLAIN, layout: Layout = ENGLISH) -> Page:
    """The page of one claim, with the declarations and definitions that it rests on."""
    printer = Printer(topic, spelling)
    writer = _Writer(printer, layout)
    used = needed(topic, claim)
    declared = [d for d in topic.declarations if d.name in used and d.kind != "size"]
    definitions = [(h, b) for h, b in topic.definitions if _head(h) in used]
    sizes = [(n, r) for n, r in topic.size_rules.items() if any(n in (*d.shape, d.high) for d in declared)]
    chinese = layout.language == "zh"
    lines: list[str] = []
    if layout.headings:
        lines += [f"# {topic.title[chinese]}", ""]
    if layout.noise:
        lines += [NOISE[layout.language][0], ""]
    counts = _counts(topic, claim, declared)
    facts = writer.declarations(declared, sizes, counts=counts)
    if layout.declarations == "section":
        lines += ["## 记号" if chinese else "## Notation", ""]
    if layout.declarations != "after" or definitions:
        lines += [*facts, ""]
    for head, body in definitions:
        lines += [*writer.definition(head, body), ""]
    if layout.declarations == "section":
        lines += ["## 结论" if chinese else "## Result", ""]
    if layout.noise:
        lines += [NOISE[layout.language][1], ""]
    shown = writer.display(claim)
    lead = LEADS[layout.language][layout.lead % len(LEADS[layout.language])]
    first = len(lines) + 1
    if layout.display == "inline":
        lines += [lead, *shown]
        first += 1
    else:
        lines += [lead, "", *shown]
        first += 2
    last = first + len(shown) - 1
    lines += [""]
    if layout.declarations == "after" and not definitions:
        lines += [*writer.declarations(declared, sizes, after=True, counts=counts), ""]
    if layout.noise:
        lines += [NOISE[layout.language][2], ""]
    return Page(("\r\n" if layout.crlf else "\n").join(lines), first, last)


def _counts(topic: Topic, claim: Node, declared: list[Declaration]) -> list[str]:
    """Sizes that no shape on the page shows: without a word about them nobody knows what they are."""
    shown = {n for d in declared for n in (*d.shape, d.high)}
    shown |= {name for rule in topic.size_rules.values() for name in rule.names} | set(topic.size_rules)
    used = needed(topic, claim)
    sizes = {d.name for d in topic.declarations if d.kind == "size"}
    sizes |= {n for d in topic.declarations for n in (*d.shape, d.high) if n and not n.isdigit()}
    return [n for n in sorted(sizes & used) if n not in shown]


def needed(topic: Topic, claim: Node) -> frozenset[str]:
    """Every name that a claim uses, through definitions and laws."""
    names, todo = set(), list(claim.names)
    while todo:
        name = todo.pop()
        if name in names:
            continue
        names.add(name)
        for head, body in topic.definitions:
            if _head(head) == name:
                todo += [*head.names, *body.names]
        declared = topic.declared(name)
        if declared is not None:
            todo += [w for w in declared.random[1:] if w.isidentifier()]
        rule = topic.size_rules.get(name)
        todo += rule.names if rule is not None else ()
    return frozenset(names)


def _head(head: Node) -> str:
    return head.args[0].name if head.op == "at" else head.name


@dataclass(frozen=True)
class _Writer:
    printer: Printer
    layout: Layout

    @property
    def chinese(self) -> bool:
        return self.layout.language == "zh"

    def size(self, n: str) -> str:
        return n if n.isdigit() else self.printer.name(n)

    def member(self, d: Declaration) -> str:
        """`A \\in R^{n x m}`."""
        p, name = self.printer, self.printer.name(d.name)
        if d.kind == "index":
            return rf"{name} = {self.size(d.low)}, \dots, {self.size(d.high)}"
        space = {0: r"\mathbb{R}", 1: r"\mathbb{R}^{%s}", 2: r"\mathbb{R}^{%s \times %s}"}[len(d.shape)]
        space = space % tuple(self.size(n) for n in d.shape) if d.shape else space
        if d.kind == "family":
            return rf"{name}_1, \dots, {name}_{p.script('_', self.size(d.high))[1:]} \in {space}"
        if d.kind == "scalar" and "positive" in d.properties:
            return rf"{name} > 0"
        if "probability" in d.properties and d.kind == "scalar":
            return rf"{name} \in (0, 1)"
        return rf"{name} \in {space}"

    def declarations(
        self,
        declared: list[Declaration],
        sizes: list[tuple[str, Node]],
        after: bool = False,
        counts: list[str] | None = None,
    ) -> list[str]:
        """Sentences that declare; those of one kind together unless the layout says otherwise."""
        plain = [d for d in declared if not d.random and not self.property(d)]
        plain = plain[::-1] if self.layout.declarations == "reversed" else plain
        special = [d for d in declared if not d.random and self.property(d)]
        random = [d for d in declared if d.random]
        sentences = []
        groups = [[d] for d in plain] if self.layout.declarations == "single" else [plain] if plain else []
        for group in groups:
            sentences.append(self.say(self.join([f"${self.member(d)}$" for d in group]), after))
        if counts:
            names = f"${', '.join(map(self.size, counts))}$"
            article = "a positive integer" if len(counts) == 1 else "positive integers"
            sentences.append(self.say(f"{names} 为正整数" if self.chinese else f"{names} be {article}", after))
        for d in special:
            sentences.append(self.say(self.special(d), after))
        for name, rule in sizes:
            equation = f"${self.printer.name(name)} = {self.printer.text(rule)}$"
            sentences.append(self.say(equation, after))
        sentences += [self.random(d) for d in random]
        if len(random) > 1:
            names = self.join([f"${self.printer.name(d.name)}$" for d in random])
            sentences.append(
                f"随机变量 {names} 相互独立。" if self.chinese else f"The variables {names} are independent."
            )
        if self.layout.declarations == "list":
            return [f"- {s}" for s in sentences]
        return [("" if self.chinese else " ").join(sentences)]

    def property(self, d: Declaration) -> str:
        if d.kind in ("scalar", "index"):
            return ""
        if "orthonormal" in d.properties:
            return "orthonormal"
        if "positive" in d.properties:
            return "positive"
        return next((q for q in d.properties if q in WORDS), "")

    def special(self, d: Declaration) -> str:
        which = self.property(d)
        member = f"${self.member(d)}$"
        if which == "orthonormal":
            name = self.printer.name(d.name)
            identity = self.printer.text(Node("I", (Node("sym", (), d.shape[1]),)))
            condition = f"${name}{self.printer.spelling.transpose} {name} = {identity}$"
            return f"{member} 满足 {condition}" if self.chinese else f"{member} satisfy {condition}"
        if which == "positive":
            return f"{member} 的元素均为正数" if self.chinese else f"{member} have positive entries"
        word = WORDS[which][self.chinese]
        return f"{member} 为{word}" if self.chinese else f"{member} be {word}"

    def say(self, what: str, after: bool) -> str:
        if self.chinese:
            return f"其中 {what}。" if after else f"设 {what}。"
        if after:
            for said, here in AFTER.items():
                what = f"{what} ".replace(f" {said} ", f" {here} ").rstrip()
            return f"Here {what}."
        return f"Let {what}."

    def join(self, parts: list[str]) -> str:
        if self.chinese:
            return "，".join(parts)
        return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]

    def random(self, d: Declaration) -> str:
        p, name = self.printer, self.printer.name(d.name)
        law, *rest = d.random
        texts = [self.size(w) if not w.isidentifier() or w != "I" else "I" for w in rest]
        if law == "bernoulli":
            sign = rf"${name} \sim \operatorname{{Bernoulli}}({texts[0]})$"
        elif law == "normal":
            sign = rf"${name} \sim \mathcal{{N}}({texts[0]}, {texts[1]})$"
        elif not d.shape:
            if self.chinese:
                return f"设随机变量 ${name}$ 的均值为 ${texts[0]}$，方差为 ${texts[1]}$。"
            return f"Let ${name}$ be a random variable with mean ${texts[0]}$ and variance ${texts[1]}$."
        else:
            n = p.name(d.shape[0])
            space = rf"{name} \in \mathbb{{R}}^{{{n}}}"
            if self.chinese:
                return f"设随机向量 ${space}$ 的均值为 ${texts[0]}$，协方差矩阵为 ${texts[1]}$。"
            return f"Let ${space}$ be a random vector with mean ${texts[0]}$ and covariance matrix ${texts[1]}$."
        return f"设 {sign}。" if self.chinese else f"Let {sign}."

    def definition(self, head: Node, body: Node) -> list[str]:
        p = self.printer
        text = f"{p.text(head)} = {p.text(body)}"
        if head.op == "at" and any(a.op == "sym" for a in head.args[1:]):
            letters = [a.name for a in head.args[1:] if a.op == "sym"]
            ranges = [d for d in p.topic.declarations if d.kind == "index" and d.name in letters]
            tail = ", ".join(f"${self.member(d)}$" for d in ranges)
            if tail:
                return [
                    "定义" if self.chinese else "Define",
                    "",
                    f"$$ {text} $$",
                    "",
                    (f"其中 {tail}。" if self.chinese else f"for {tail}."),
                ]
        return ["定义" if self.chinese else "Define", "", f"$$ {text} $$"]

    def display(self, claim: Node) -> list[str]:
        p, dot = self.printer, self.layout.punctuation
        sign = p.text(Node(claim.op, (Node("num"), Node("num")))).strip()
        left, right = (p.text(side) for side in claim.args)
        plain = f"{left} {sign} {right}{dot}"
        match self.layout.display:
            case "lines":
                return ["$$", left, f"{sign} {right}{dot}", "$$"]
            case "brackets":
                return [r"\[", plain, r"\]"]
            case "align":
                return [r"\begin{align}", f"{left} &{sign} {right}{dot}", r"\end{align}"]
            case "aligned":
                return ["$$", r"\begin{aligned}", left, rf"&{sign} {right}{dot}", r"\end{aligned}", "$$"]
            case "equation":
                return [r"\begin{equation}", plain, r"\label{eq:claim}", r"\end{equation}"]
            case "inline":
                return [f"${plain}$"]
            case "fence":
                return ["```math", plain, "```"]
        return [f"$$ {plain} $$"]
