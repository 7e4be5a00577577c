"""Prints a tree as LaTeX, in any of many spellings that mean the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from identities.notation import Topic
from identities.tree import Node

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell varepsilon varphi".split()
)
ACCENTS = ("hat", "bar", "tilde", "dot")
SUM, TERM, SIGN, PRODUCT, POWER, ATOM = range(6)
"""How tightly a printed piece holds together."""


@dataclass(frozen=True)
class Spelling:
    transpose: str = r"^\top"
    bold: str = ""
    """Command for vectors and matrices: `mathbf`, `boldsymbol`, `bm`."""
    brackets: str = "plain"
    """`plain`, `left`, `big`, `square`."""
    fraction: str = "frac"
    """`frac`, `tfrac`, `dfrac`, `slash`."""
    times: str = " "
    """Between factors of a product."""
    scalar_times: str = " "
    operator: str = "operatorname"
    """`operatorname`, `mathrm`, `text`, `mathop`, `bare` (no brackets around one letter)."""
    norm: str = r"\|"
    gradient: str = "nabla"
    """`nabla`, `frac` (everything above the line), `operator` (to the left of its operand), `slash`."""
    partial: str = r"\partial"
    log: str = r"\log"
    exp: str = r"\exp"
    """`\\exp` with brackets, or `e` as a power."""
    limits: str = ""
    """`\\limits`, `\\nolimits` after `\\sum`."""
    braced: bool = True
    """`_{i}` and `^{2}` even for a single character."""
    space: str = " "
    identity: str = "sized"
    """`sized` `I_n`, `plain` `I`, `mathbb`."""
    expect: str = r"\mathbb{E}"
    inner: str = r"\langle"
    hadamard: str = r"\odot"
    matrix: str = "bmatrix"
    inverse_transpose: str = "joined"
    """`joined` `A^{-\\top}`, `split` `(A^{-1})^\\top`."""
    function_power: bool = False
    """`\\sin^2(x)`."""
    sum_range: str = "full"
    """`full` `\\sum_{i=1}^n`, `short` `\\sum_i` for whole axes, `double` `\\sum_{1 \\le i \\le n}`."""
    le: str = r"\le"
    ge: str = r"\ge"
    names: dict[str, str] = field(default_factory=dict)
    """LaTeX of single names, in place of the usual one."""


FUNCTIONS = {
    "tr": "tr", "diag": "diag", "vec": "vec", "softmax": "softmax", "relu": "ReLU", "softplus": "softplus",
    "sign": "sign", "logsumexp": "logsumexp", "rank": "rank", "Var": "Var", "Cov": "Cov",
}  # fmt: skip
NATIVE = {
    "det": r"\det", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "tanh": r"\tanh", "sinh": r"\sinh",
    "cosh": r"\cosh", "max": r"\max", "min": r"\min", "sigmoid": r"\sigma", "Phi": r"\Phi", "phi": r"\varphi",
    "expm": r"\exp",
}  # fmt: skip


@dataclass(frozen=True)
class Printer:
    topic: Topic
    spelling: Spelling = Spelling()

    # --- names --------------------------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        if name in self.spelling.names:
            return self.spelling.names[name]
        head, *subs = name.split("_")
        while subs and subs[0] in ACCENTS:
            return self.scripted(rf"\{subs[0]} {self.letter(name, head)}", subs[1:])
        return self.scripted(self.letter(name, head), subs)

    def letter(self, name: str, head: str) -> str:
        declared = self.topic.declared(name)
        base = "\\" + head if head in GREEK else (head if len(head) == 1 else rf"\mathrm{{{head}}}")
        array = declared is not None and declared.kind in ("vector", "matrix", "family") and declared.shape
        if self.spelling.bold and array:
            bold = "boldsymbol" if head in GREEK and self.spelling.bold == "mathbf" else self.spelling.bold
            return rf"\{bold}{{{base}}}"
        return base

    def scripted(self, base: str, subs: list[str]) -> str:
        if not subs:
            return base
        text = ",".join(
            s if len(s) == 1 or s.isdigit() else ("\\" + s if s in GREEK else rf"\text{{{s}}}") for s in subs
        )
        return base + self.script("_", text)

    def script(self, mark: str, text: str) -> str:
        return mark + (text if len(text) == 1 and not self.spelling.braced else f"{{{text}}}")

    # --- brackets -----------------------------------------------------------------------------------------------

    def bracket(self, text: str, opening: str = "(", closing: str = ")") -> str:
        style = self.spelling.brackets
        if style == "square" and opening == "(" and ("(" in text or r"\left" in text):
            opening, closing = "[", "]"
        if style == "left":
            return rf"\left{opening} {text} \right{closing}"
        if style == "big":
            return rf"\bigl{opening} {text} \bigr{closing}"
        return f"{opening}{text}{closing}"

    def held(self, e: Node, level: int) -> str:
        text, own = self.show(e)
        return text if own >= level else self.bracket(text)

    # --- expressions --------------------------------------------------------------------------------------------

    def text(self, e: Node) -> str:
        return self.show(e)[0]

    def show(self, e: Node) -> tuple[str, int]:
        s = self.spelling
        match e.op:
            case "num":
                return e.name, ATOM
            case "sym":
                return self.name(e.name), ATOM
            case "add" | "sub":
                return self.sum_of(e)
            case "neg":
                return "-" + self.held(e.args[0], PRODUCT), SIGN
            case "mul" | "matmul" | "had":
                return self.product(e)
            case "div":
                return self.quotient(*e.args)
            case "hdiv":
                return self.held(e.args[0], PRODUCT) + r" \oslash " + self.held(e.args[1], ATOM), PRODUCT
            case "kron":
                return self.held(e.args[0], ATOM) + r" \otimes " + self.held(e.args[1], ATOM), PRODUCT
            case "T" | "inv" | "pow" | "pinv":
                return self.power(e)
            case "at":
                return self.subscript(e), ATOM
            case "sum" | "prod" | "mean":
                return self.fold(e), TERM
            case "grad" | "jac" | "d" | "hess":
                return self.derivative(e)
            case "mat" | "rows" | "cols":
                return self.block(e), ATOM
            case "=" | "<=" | ">=" | "in":
                sign = {"=": "=", "<=": s.le, ">=": s.ge, "in": r"\in"}[e.op]
                return f"{self.text(e.args[0])} {sign} {self.text(e.args[1])}", SUM
        return self.function(e)

    def sum_of(self, e: Node) -> tuple[str, int]:
        left, right = e.args
        first = self.text(left) if left.op not in ("sum", "mean", "prod") else self.bracket(self.text(left))
        sign = "+" if e.op == "add" else "-"
        return f"{first} {sign} {self.held(right, TERM)}", SUM

    def factors(self, e: Node) -> list[tuple[str, Node]]:
        """(operation to the left, factor) of a chain of products."""
        if e.op in ("mul", "matmul"):
            left = self.factors(e.args[0]) if e.args[0].op in ("mul", "matmul") else [("", e.args[0])]
            right = (
                self.factors(e.args[1]) if e.args[1].op in ("mul", "matmul") and e.op == "matmul" else [("", e.args[1])]
            )
            return [*left, (e.op, right[0][1]), *right[1:]]
        return [("", e)]

    def product(self, e: Node) -> tuple[str, int]:
        s = self.spelling
        if e.op == "had":
            return f" {s.hadamard} ".join(self.held(a, POWER) for a in e.args), PRODUCT
        chain = self.factors(e)
        out, level = "", PRODUCT
        for k, (op, factor) in enumerate(chain):
            last = k == len(chain) - 1
            piece, own = self.show(factor)
            if own < POWER and not (own == TERM and last):
                if not (own == PRODUCT and factor.op == "div" and s.fraction != "slash"):
                    piece = self.bracket(piece)
            elif own == TERM:
                level = TERM
            if k:
                sign = s.times if op == "matmul" else s.scalar_times
                if not sign.strip() and piece[0].isdigit():
                    sign = r" \cdot "
                out += sign if sign.strip() else (sign or " ")
            out += piece
        return out, level

    def quotient(self, over: Node, under: Node) -> tuple[str, int]:
        s = self.spelling
        if s.fraction == "slash":
            above = self.held(over, PRODUCT)
            return f"{above} / {self.held(under, POWER)}", PRODUCT - 0
        return rf"\{s.fraction}{{{self.text(over)}}}{{{self.text(under)}}}", PRODUCT

    def power(self, e: Node) -> tuple[str, int]:
        s, base = self.spelling, e.args[0]
        if e.op == "T" and base.op == "inv" and s.inverse_transpose == "joined":
            mark = s.transpose.removeprefix("^")
            mark = mark[1:-1] if mark.startswith("{") else mark
            return self.base(base.args[0]) + f"^{{-{mark}}}", POWER
        if e.op == "T":
            return self.base(base) + s.transpose, POWER
        if e.op == "inv":
            return self.base(base) + "^{-1}", POWER
        if e.op == "pinv":
            return self.base(base) + self.script("^", "+"), POWER
        exponent = self.text(e.args[1])
        if s.function_power and base.op in ("sin", "cos", "tanh") and exponent == "2":
            return NATIVE[base.op] + "^2" + self.bracket(self.text(base.args[0])), POWER
        return self.base(base) + self.script("^", exponent), POWER

    def base(self, e: Node) -> str:
        """What carries a power: brackets unless it is a letter, a component, a norm."""
        if e.op in ("sym", "num", "norm", "fro", "l1", "spectral", "mat", "ones", "I", "abs"):
            return self.text(e)
        if e.op == "at" and e.args[0].op == "sym":
            return self.text(e)
        return self.bracket(self.text(e))

    def subscript(self, e: Node) -> str:
        base = e.args[0]
        texts = [self.text(a) for a in e.args[1:]]
        joined = (
            "".join(texts) if all(len(t) == 1 or t in ("\\" + g for g in GREEK) for t in texts) else ",".join(texts)
        )
        if base.op == "sym":
            name = self.name(base.name)
            if "_" in name:
                return self.bracket(name) + self.script("_", joined)
            return name + self.script("_", joined)
        return self.bracket(self.text(base)) + self.script("_", joined)

    def fold(self, e: Node) -> str:
        s = self.spelling
        letter, low, high, body = e.args
        sign = {"sum": r"\sum", "prod": r"\prod", "mean": r"\sum"}[e.op] + s.limits
        i, a, b = self.text(letter), self.text(low), self.text(high)
        if s.sum_range == "short" and a == "1" and high.op == "sym":
            sign += self.script("_", i)
        elif s.sum_range == "double":
            sign += rf"_{{{a} \le {i} \le {b}}}"
        else:
            sign += f"_{{{i}={a}}}" + self.script("^", b)
        text = f"{sign} {self.held(body, TERM)}"
        return rf"\frac{{1}}{{{b}}} {text}" if e.op == "mean" else text

    def derivative(self, e: Node) -> tuple[str, int]:
        s = self.spelling
        f, x = e.args[0], self.text(e.args[-1])
        if e.op == "hess":
            return rf"\nabla_{{{x}}}^2 {self.held(f, ATOM)}", PRODUCT
        if e.op == "d" and len(e.args) == 3:
            y = self.text(e.args[1])
            if x == y:
                return rf"\frac{{{s.partial}^2 {self.held(f, ATOM)}}}{{{s.partial} {x}^2}}", PRODUCT
            return rf"\frac{{{s.partial}^2 {self.held(f, ATOM)}}}{{{s.partial} {y} {s.partial} {x}}}", PRODUCT
        short = self.level(f) == ATOM
        if e.op == "grad" and s.gradient == "nabla":
            return rf"\nabla_{{{x}}} {self.held(f, ATOM)}", PRODUCT
        if s.gradient == "slash" and short:
            return rf"{s.partial} {self.text(f)} / {s.partial} {x}", PRODUCT
        if s.gradient == "operator" or not short:
            return rf"\frac{{{s.partial}}}{{{s.partial} {x}}} {self.held(f, ATOM)}", PRODUCT
        return rf"\frac{{{s.partial} {self.text(f)}}}{{{s.partial} {x}}}", PRODUCT

    def level(self, e: Node) -> int:
        return self.show(e)[1]

    def block(self, e: Node) -> str:
        s = self.spelling
        if e.op == "mat":
            rows = [" & ".join(self.text(x) for x in row.args) for row in e.args]
        else:
            rows = [self.text(x) for x in e.args] if e.op == "rows" else [" & ".join(self.text(x) for x in e.args)]
        return rf"\begin{{{s.matrix}}} " + r" \\ ".join(rows) + rf" \end{{{s.matrix}}}"

    def function(self, e: Node) -> tuple[str, int]:
        s = self.spelling
        args = ", ".join(self.text(a) for a in e.args)
        match e.op:
            case "norm" | "l1" | "linf" | "fro" | "spectral":
                close = {r"\langle": r"\rangle", r"\lVert": r"\rVert"}.get(s.norm, s.norm)
                inside = rf"\left{s.norm} {args} \right{close}" if s.brackets == "left" else f"{s.norm} {args} {close}"
                sub = {"norm": "", "l1": "1", "linf": r"\infty", "fro": "F", "spectral": "2"}[e.op]
                return inside + (self.script("_", sub) if sub else ""), ATOM
            case "abs":
                return (rf"\left| {args} \right|" if s.brackets == "left" else f"| {args} |"), ATOM
            case "sqrt":
                return rf"\sqrt{{{args}}}", ATOM
            case "exp":
                if s.exp == "e" and self.scalar(e.args[0]):
                    return f"e^{{{args}}}", POWER
                return r"\exp" + self.bracket(args), ATOM
            case "log":
                return s.log + self.bracket(args), ATOM
            case "floor":
                return rf"\lfloor {args} \rfloor", ATOM
            case "factorial":
                return self.base(e.args[0]) + "!", POWER
            case "binom":
                return rf"\binom{{{self.text(e.args[0])}}}{{{self.text(e.args[1])}}}", ATOM
            case "inner":
                return (
                    rf"\left\langle {args} \right\rangle" if s.brackets == "left" else rf"\langle {args} \rangle"
                ), ATOM
            case "I":
                return ("I" if not s.bold else rf"\{s.bold}{{I}}") + (
                    self.script("_", args) if s.identity == "sized" else ""
                ), ATOM
            case "ones":
                return r"\mathbf{1}" + self.script("_", args), ATOM
            case "zeros":
                return "0", ATOM
            case "basis":
                return "e" + self.script("_", self.text(e.args[0])), ATOM
            case "delta":
                return r"\delta" + self.script("_", "".join(self.text(a) for a in e.args)), ATOM
            case "E":
                return s.expect + self.bracket(args, "[", "]"), ATOM
            case "maxof" | "minof":
                i, x = "i", self.text(e.args[0])
                return rf"\{e.op[:3]}_{i} {x}_{i}", TERM
            case "call":
                return self.name(e.name) + self.bracket(args), ATOM
            case "cases":
                a, x, y, b = (self.text(v) for v in e.args)
                return rf"\begin{{cases}} {a} & {x} \ge {y} \\ {b} & \text{{otherwise}} \end{{cases}}", ATOM
        if e.op in NATIVE:
            return self.applied(NATIVE[e.op], e, args)
        return self.applied(rf"\{self.command()}{{{FUNCTIONS[e.op]}}}", e, args)

    def command(self) -> str:
        return self.spelling.operator if self.spelling.operator in ("mathrm", "text") else "operatorname"

    def applied(self, head: str, e: Node, args: str) -> tuple[str, int]:
        if (
            self.spelling.operator == "bare"
            and len(e.args) == 1
            and e.args[0].op in ("sym", "at")
            and e.op in ("tr", "det", "sin", "cos", "tanh")
        ):
            return f"{head} {args}", TERM
        return head + self.bracket(args), ATOM

    def scalar(self, e: Node) -> bool:
        """Whether a tree is surely a number, from its form alone."""
        if e.op in ("num", "at", "tr", "det", "norm", "fro", "d", "sum", "inner"):
            return True
        if e.op == "sym":
            d = self.topic.declared(e.name)
            return d is None or d.kind in ("scalar", "index", "size")
        return e.op in ("add", "sub", "mul", "div", "neg", "pow") and all(self.scalar(a) for a in e.args)
