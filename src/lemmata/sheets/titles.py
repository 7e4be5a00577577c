"""Terms as one line of text for people: Unicode letters, scripts marked by `_{…}` and `^{…}`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.latex.symbols import CHARACTERS
from lemmata.operations import catalogue

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a text binds, loosest first."""

BARE = frozenset({"as_row", "as_column", "spread", "real"})
"""Operations that say how a value is laid out, not what it is."""
SIGNS = {"add": " + ", "sub": " − "}
WORDS = {"maximum": "max", "minimum": "min", "reduce_max": "max", "reduce_min": "min", "trace": "tr", "mod": "mod"}
BIG = {"sum": "Σ", "prod": "Π"}
RELATIONS = {"\\le": "≤", "\\ge": "≥", "\\ne": "≠"}
SPECIAL = {"pi": "π", "inf": "∞", "e": "e", "i": "i", "euler_gamma": "γ"}
ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
           "widetilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}  # fmt: skip
ACCENTED = re.compile(r"\\(" + "|".join(ACCENTS) + r")\s*(?:\{\s*([^{}]*?)\s*\}|(\\?[A-Za-z]+))")
FONT = re.compile(r"\\(?:math|text|bold|operatorname|bm|rm|bf|pmb)[a-z]*\*?\s*")
COMMAND = re.compile(r"\\([A-Za-z]+)\s*")
SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|([^\W_]+|.))")
SYMBOLS: dict[str, str] = {}
for _character, _latex in CHARACTERS.items():
    if _latex[1:] not in SYMBOLS or unicodedata.name(_character, "").startswith("GREEK"):
        SYMBOLS[_latex[1:]] = _character
SYMBOLS |= {"to": "→", "prime": "′", "star": "⋆", "top": "⊤", "lVert": "‖", "cdots": "⋯", "ldots": "…"}


def plain(latex: str) -> str:
    """A name in LaTeX as text with marked scripts: `W_{\\text{out}}^Q` as `W_{out}^{Q}`, `\\hat y` as `ŷ`."""

    def accent(match: re.Match[str]) -> str:
        inner = plain(match[2] if match[2] is not None else match[3])
        return unicodedata.normalize("NFC", inner[:1] + ACCENTS[match[1]] + inner[1:])

    text = ACCENTED.sub(accent, latex)
    text = FONT.sub("", text)
    text = COMMAND.sub(lambda m: SYMBOLS.get(m[1], m[1]), text)
    text = re.sub(r"\\[,;:! ]", " ", text).replace("\\", "")
    marked = SCRIPT.sub(lambda m: f"{m[1]}\x01{m[2] if m[2] is not None else m[3]}\x02", text)
    while (again := re.sub(r"([_^])\{([^{}]*)\}", lambda m: f"{m[1]}\x01{m[2]}\x02", marked)) != marked:
        marked = again
    return marked.replace("{", "").replace("}", "").replace("\x01", "{").replace("\x02", "}").strip()


def size_text(size: object) -> str:
    """A size with its subscripts marked: `d_{k}·h`; nothing for one without a name."""
    text = re.sub(r"_([^\W_]+)", r"_{\1}", plain_size(str(size)))
    return "" if "?" in text else text


def plain_size(text: str) -> str:
    return plain(text) if "\\" in text else text


class Printer(Struct, frozen=True):
    """Prints terms; `names` are those of arguments inside a function's body, by identity of the term."""

    names: Mapping[int, str] = field(default_factory=dict)
    places: Mapping[int, int] = field(default_factory=dict)
    """Index variables that have a value here, by uid: the author's number of a head."""
    letters: Mapping[int, str] = field(default_factory=dict)
    """The author's letters for index variables that have none of their own."""
    heads: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Definitions with indices, by the mark of their keys: the name and the author's letters."""
    depth: int = 0

    def text(self, term: t.Term) -> str:
        return self._print(term)[0]

    def tight(self, term: t.Term, level: int) -> str:
        """The text, in brackets where it binds more loosely than `level`."""
        text, own = self._print(term)
        return text if own >= level else f"({text})"

    def own(self, term: t.Term) -> str:
        """The term itself where a name stands for it: what the name is defined to be."""
        rest = {k: v for k, v in self.names.items() if k != id(term)}
        return replace(self, names=rest).text(term)

    def _print(self, term: t.Term) -> tuple[str, int]:
        if id(term) in self.names:
            return self.names[id(term)], ATOM
        if self.depth > 60:
            return "…", ATOM
        return replace(self, depth=self.depth + 1)._parts(term)

    def _parts(self, term: t.Term) -> tuple[str, int]:
        match term:
            case t.Num(value=value):
                text = str(value)
                return text, SUM if value < 0 else PRODUCT if value.denominator != 1 else ATOM
            case t.Special(name=name):
                return SPECIAL.get(name, name), ATOM
            case t.SizeNum(size=size):
                text = size_text(size) or "size"
                return text, ATOM if re.fullmatch(r"\w(_\{\w+\})?", text) else SUM
            case t.Input(variable=variable):
                return plain(variable.latex), ATOM
            case t.Defined(latex=latex, key=key):
                return self._member(plain(latex), key), ATOM
            case t.Unrolled(family=family, index=index):
                return with_index(plain(family.partition("#")[0]), size_text(index)), ATOM
            case t.Var(var=var):
                return self._index(var), ATOM
            case t.Op(name=name, args=args, attrs=attrs):
                return self._operation(name, args, dict(attrs))
            case t.Reduce(op=op, vars=variables, body=body):
                where = "{" + ", ".join(self._index(v) for v in variables) + "}"
                if op in BIG:
                    return f"{BIG[op]}_{where} {self.tight(body, PRODUCT)}", PRODUCT
                return f"{op}_{where} {self.tight(body, PRODUCT)}", PRODUCT
            case t.Build(vars=variables, body=body):
                text, level = self._print(body)
                return self._whole(text, variables) if isinstance(body, t.Defined) else text, level
            case t.Item(base=base, indices=indices):
                return self._item(base, indices)
            case t.Cases(branches=branches, otherwise=otherwise):
                parts = [f"{self.text(value)} if {self.text(test)}" for value, test in branches]
                parts += [] if otherwise is None else [f"{self.text(otherwise)} otherwise"]
                return "{ " + "; ".join(parts) + " }", ATOM
            case t.Compare(op=op, left=left, right=right):
                return f"{self.tight(left, SUM)} {RELATIONS.get(op, op)} {self.tight(right, SUM)}", SUM
            case t.Deriv(of=of, wrt=wrt):
                return f"∂{self.tight(of, ATOM)}/∂{self.tight(wrt, ATOM)}", PRODUCT
            case t.Apply(name=name, args=args):
                return f"{plain(name)}({', '.join(map(self.text, args))})", ATOM
            case t.Blocks(rows=rows):
                return "[" + "; ".join(", ".join(map(self.text, row)) for row in rows) + "]", ATOM
            case t.Stacked(var=var, body=body):
                return f"Concat({self._run(var, body)})", ATOM
            case t.At(body=body) | t.Held(body=body):
                return self._print(body)
            case t.Expect(body=body):
                return f"E[{self.text(body)}]", ATOM
        return "…", ATOM

    def _run(self, var: t.IndexVar, body: t.Term) -> str:
        """The members of a family from the first to the last."""
        first = var.start.number
        last = size_text(var.start + var.count + Size.of(-1))
        if first is None or not last:
            return self.text(body)
        here = [replace(self, letters={**self.letters, var.uid: x}).text(body) for x in (str(first), last)]
        return f"{here[0]}, …, {here[1]}"

    def _index(self, var: t.IndexVar) -> str:
        if var.uid in self.places:
            return str(self.places[var.uid])
        return self.letters.get(var.uid) or (var.label if var.label != "□" else "i")

    def _member(self, text: str, key: str) -> str:
        """`head_i` with the index that it has here; the key of a member names its indices: `head#22[i@…]`."""
        head, bracket, rest = key.partition("[")
        known = self.heads.get("#" + head.rpartition("#")[2])
        if not bracket or known is None:
            return text
        name, letters = known
        used = rest.partition("@")[0].split(",")
        shown = list(letters)
        if len(used) == len(letters):
            shown = [own if x == "□" else x for x, own in zip(used, letters)]
        running = [str(v) for v in self.places.values()] or [*self.letters.values()]
        if len(shown) == len(running) == 1:
            shown = running
        return with_index(name, ("" if all(len(x) == 1 for x in shown) else ", ").join(shown))

    def _whole(self, text: str, variables: tuple[t.IndexVar, ...]) -> str:
        """M for all M_{ij}: a name without the indices that run."""
        letters = "".join(map(self._index, variables))
        return text.replace(f"_{{{letters}}}", "", 1) if len(letters) == len(variables) else text

    def _item(self, base: t.Term, indices: tuple[t.Term | None, ...]) -> tuple[str, int]:
        shown = [":" if i is None else self.text(i) for i in indices]
        if isinstance(base, t.Input) and base.variable.family:
            shown = [x for x in shown if x != ":"]
        elif shown and shown[-1] == ":" and shown.count(":") == 1:
            shown = shown[:-1]
        joined = "".join(shown) if all(len(x) == 1 for x in shown) else ",".join(shown)
        text, level = self._print(base)
        return with_index(text if level == ATOM else f"({text})", joined), ATOM

    def _operation(self, name: str, args: tuple[t.Term, ...], attrs: dict[str, object]) -> tuple[str, int]:
        if name in BARE and len(args) == 1:
            return self._print(args[0])
        match name:
            case "add" | "sub":
                return SIGNS[name].join((self.tight(args[0], SUM), self.tight(args[1], SUM + (name == "sub")))), SUM
            case "neg":
                return f"−{self.tight(args[0], PRODUCT)}", SUM
            case "dot" | "mul_column":
                return " ".join(self.tight(a, POWER) for a in args), PRODUCT
            case "outer":
                return f"{self.tight(args[0], POWER)} {raised(self.tight(args[1], POWER), '⊤')}", PRODUCT
            case "inner":
                return f"⟨{self.text(args[0])}, {self.text(args[1])}⟩", ATOM
            case "mul":
                both = all(a.type.rank for a in args)
                return (" ⊙ " if both else " · ").join(self.tight(a, PRODUCT) for a in args), PRODUCT
            case "div":
                return f"{self.tight(args[0], PRODUCT)} / {self.tight(args[1], POWER)}", PRODUCT
            case "pow":
                if isinstance(args[0], t.Special) or self._print(args[0])[1] == ATOM:
                    return raised(self.text(args[0]), self.text(args[1])), POWER
                return f"({self.text(args[0])})^{{{flat(self.text(args[1]))}}}", POWER
            case "transpose":
                return raised(self.tight(args[0], ATOM), "⊤"), POWER
            case "inv":
                return raised(self.tight(args[0], ATOM), "−1"), POWER
            case "matrix_power":
                return raised(self.tight(args[0], ATOM), str(attrs.get("exponent", "k"))), POWER
            case "sqrt":
                return f"√{self.tight(args[0], ATOM)}", POWER
            case "abs":
                return f"|{self.text(args[0])}|", ATOM
            case "norm":
                return f"‖{self.text(args[0])}‖", ATOM
            case "identity":
                return "I", ATOM
            case "fill":
                return str(attrs.get("value", "")), ATOM
            case "opaque":
                name = str(attrs["name"]).partition("#")[0].rstrip("?")
        return f"{word(name)}({', '.join(map(self.text, args))})", ATOM


def word(name: str) -> str:
    """An operation's name as authors write it."""
    known = catalogue().get(name)
    return known.spellings[0] if known is not None and known.spellings else WORDS.get(name, name.replace("_", " "))


def with_index(text: str, index: str) -> str:
    """A name with an index put to its subscript, before what is raised: `W^{Q}` at 2 as `W_{2}^{Q}`."""
    stem, raise_, top = text.partition("^")
    if stem.endswith("}") and "_{" in stem:
        return f"{stem[:-1]},{flat(index)}}}{raise_}{top}"
    return f"{stem}_{{{flat(index)}}}{raise_}{top}"


def raised(text: str, top: str) -> str:
    """A text with a superscript, beside one that it has."""
    if text.endswith("}") and "^{" in text:
        return f"{text[:-1]} {flat(top)}}}"
    return f"{text}^{{{flat(top)}}}"


def flat(text: str) -> str:
    """Scripts inside of scripts stay on their line."""
    return re.sub(r"[_^]\{([^{}]*)\}", r"\1", text)


def pieces(text: str) -> list[tuple[str, str]]:
    """(piece, `_`, `^` or nothing): a text cut at its scripts."""
    found: list[tuple[str, str]] = []
    at = 0
    for match in re.finditer(r"([_^])\{([^{}]*)\}", text):
        if match.start() > at:
            found.append((text[at : match.start()], ""))
        if match[2]:
            found.append((match[2], match[1]))
        at = match.end()
    if at < len(text):
        found.append((text[at:], ""))
    return found


def bare(text: str) -> str:
    """Without the marks of scripts, for where a text has one font only."""
    return "".join(piece for piece, _ in pieces(text))


def width(text: str) -> float:
    """How many digits' width a text takes."""
    total = 0.0
    for piece, script in pieces(text):
        wide = sum(
            0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in piece
        )
        total += wide * (0.75 if script else 1.0)
    return total
