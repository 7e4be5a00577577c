"""Forms as LaTeX, in the document's notation."""

from __future__ import annotations

import re
from fractions import Fraction

from lemmata.core.size import Size
from lemmata.derive import form as f
from lemmata.derive.form import Form, NoForm
from lemmata.derive.notation import Notation

SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(5)
"""How tightly a text binds, loosest first."""

FUNCTIONS = {
    "exp": "\\exp", "log": "\\log", "sin": "\\sin", "cos": "\\cos", "tan": "\\tan", "sinh": "\\sinh",
    "cosh": "\\cosh", "tanh": "\\tanh", "arcsin": "\\arcsin", "arccos": "\\arccos", "arctan": "\\arctan",
    "sigmoid": "\\sigma", "relu": "\\operatorname{ReLU}", "gelu": "\\operatorname{GELU}",
    "silu": "\\operatorname{SiLU}", "softplus": "\\operatorname{softplus}", "sign": "\\operatorname{sign}",
    "erf": "\\operatorname{erf}", "normal_cdf": "\\Phi", "normal_pdf": "\\varphi",
}  # fmt: skip
SPECIAL = {"pi": "\\pi", "e": "e", "inf": "\\infty", "i": "i", "euler_gamma": "\\gamma"}


COMMAND = re.compile(r"\\[A-Za-z]+$")
"""A text that a letter behind it would change."""


class Printer:
    def __init__(self, notation: Notation) -> None:
        self.n = notation

    def text(self, form: Form) -> str:
        return self._print(form)[0]

    def tight(self, form: Form, level: int) -> str:
        """The text, in brackets where it binds more loosely than `level`."""
        text, own = self._print(form)
        return text if own >= level else bracket(text)

    def _print(self, form: Form) -> tuple[str, int]:
        args = form.args
        match form.op:
            case "sym" if args:
                stem, _, script = str(form.data[1]).partition("_")
                where = [self.text(a) for a in args]
                if "".join(where) == script.strip("{}").replace(" ", "").replace(",", ""):
                    return self.n.symbol(str(form.data[1])), POWER
                return f"{self.n.symbol(stem)}_{braced(''.join(where))}", POWER
            case "family":
                return self.n.symbol(str(form.data[1]).split("_")[0], str(form.data[0])), ATOM
            case "sym":
                text = self.n.symbol(str(form.data[1]), str(form.data[0]))
                return text, POWER if "^" in text else ATOM
            case "call":
                inner = ", ".join(self.text(a) for a in args)
                return f"{self.n.symbol(str(form.data[0]))}{bracket(inner)}", ATOM
            case "special":
                return SPECIAL[str(form.data[0])], ATOM
            case "size":
                text = size_text(form.data[0])  # type: ignore[arg-type]
                return text, ATOM if len(text) == 1 else SUM
            case "idx":
                return str(form.data[0]), ATOM
            case "mul":
                return self._product(form)
            case "add":
                return self._sum(form), SUM
            case "chain":
                return self._juxtaposed([self.tight(a, PRODUCT + 1) for a in args]), PRODUCT
            case "had":
                return " \\odot ".join(self._factor(a) for a in args), NEGATIVE
            case "epow":
                if form.data[0] == -1:
                    return f"\\frac{{1}}{{{self.text(args[0])}}}", PRODUCT
                text = self._power(args[0], form.data[0])  # type: ignore[arg-type]
                return text, NEGATIVE if "\\odot" in text else POWER
            case "T":
                return self._transposed(args[0]), POWER
            case "inv":
                return f"{self.tight(args[0], ATOM)}^{{-1}}", POWER
            case "mexp":
                return f"e^{{{self.text(args[0])}}}", POWER
            case "fn":
                return self._function(form)
            case "one":
                if form.matrix:
                    return f"{self.n.ones} {self.n.ones}^{self._top()}", PRODUCT
                return (self.n.ones, ATOM) if form.shape[1] is None else (f"{self.n.ones}^{self._top()}", POWER)
            case "eye":
                size = size_text(form.shape[0]) if self.n.sized else ""  # type: ignore[arg-type]
                return (f"{self.n.identity}_{braced(size)}" if size else self.n.identity), POWER
            case "diag":
                return f"{self.n.diag}{bracket(self.text(args[0]))}", ATOM
            case "diagonal":
                return f"{self.n.diag}{bracket(self.text(args[0]))}", ATOM
            case "trace":
                return f"{self.n.trace}{bracket(self.text(args[0]))}", ATOM
            case "det":
                return f"\\det{bracket(self.text(args[0]))}", ATOM
            case "norm":
                kind = {"2": "_2", "F": "_F", "1": "_1", "entrywise 1": "_1", "inf": "_\\infty"}.get(
                    str(form.data[0]), ""
                )
                return f"\\|{self.text(args[0])}\\|{kind}", ATOM
            case "softmax":
                return f"\\operatorname{{softmax}}{bracket(self.text(args[0]))}", ATOM
            case "sum":
                return self._sigma(form), NEGATIVE
            case "elem":
                return self._element(form), POWER
            case "row":
                if args[0].op == "sym" and str(args[0].data[0]) in self.n.rows:
                    name = self.n.symbol(self.n.rows[str(args[0].data[0])])
                    return f"{name}_{braced(self.text(args[1]))}", POWER if "^" in name else ATOM
                if args[0].op != "family":
                    raise NoForm("a row of a matrix")
                return f"{self.text(args[0])}_{braced(self.text(args[1]))}", POWER
            case "delta":
                return f"\\delta_{{{self.text(args[0])}{self.text(args[1])}}}", ATOM
            case "kron":
                return f"{self.tight(args[0], POWER)} \\otimes {self.tight(args[1], POWER)}", NEGATIVE
            case "upstream":
                name = self.n.symbol(str(form.data[0]).partition("#")[0])
                return f"\\frac{{\\partial {name}}}{{\\partial {self.text(args[0])}}}", PRODUCT
            case "expect":
                return f"\\mathbb{{E}}\\left[{self.text(args[0])}\\right]", ATOM
            case "general_power":
                return f"{self.tight(args[0], ATOM)}^{{{self.text(args[1])}}}", POWER
        raise NoForm(f"no writing for {form.op}")

    def _factor(self, form: Form) -> str:
        """A factor of an elementwise product."""
        text, level = self._print(form)
        return text if level >= PRODUCT or form.op == "epow" and level == NEGATIVE else bracket(text)

    def _top(self) -> str:
        return braced(self.n.transpose)

    def _transposed(self, inner: Form) -> str:
        if inner.op == "inv":
            return f"{self.tight(inner.args[0], ATOM)}^{{-{self.n.transpose}}}"
        return f"{self.tight(inner, ATOM)}^{self._top()}"

    def _power(self, base: Form, exponent: Fraction) -> str:
        if exponent == 2 and not base.number and base.op in ("sym", "call", "T"):
            return f"{self.text(base)} \\odot {self.text(base)}"
        if exponent == Fraction(1, 2):
            return f"\\sqrt{{{self.text(base)}}}"
        text = str(exponent)
        if base.op == "fn" and base.data[0] in ("sin", "cos", "tan", "tanh", "sinh", "cosh") and exponent > 0:
            return f"{FUNCTIONS[str(base.data[0])]}^{braced(text)}{bracket(self.text(base.args[0]))}"
        return f"{self.tight(base, ATOM)}^{braced(text)}"

    def _function(self, form: Form) -> tuple[str, int]:
        name, x = str(form.data[0]), form.args[0]
        if name == "abs":
            return f"|{self.text(x)}|", ATOM
        if name == "positive":
            return f"{self.n.indicator}[{self.text(x)} > 0]", ATOM
        if name == "exp" and self._short(x):
            return f"e^{{{self.text(x)}}}", POWER
        if name not in FUNCTIONS:
            raise NoForm(f"no writing for {name}")
        if name in ("log", "sin", "cos") and x.op in ("sym", "elem") and x.number:
            return f"{FUNCTIONS[name]} {self.text(x)}", PRODUCT
        return f"{FUNCTIONS[name]}{bracket(self.text(x))}", ATOM

    def _short(self, x: Form) -> bool:
        return x.number and len(self.text(x)) <= 8

    def _element(self, form: Form) -> str:
        base, where = form.args[0], form.args[1:]
        indices = [self.text(i) for i in where]
        joined = "".join(indices) if all(len(i) == 1 for i in indices) else ", ".join(indices)
        if base.op == "sym":
            text = self.text(base)
            return f"{bracket(text) if '_' in text or '^' in text else text}_{braced(joined)}"
        return f"{bracket(self.text(base)) if base.op != 'family' else self.text(base)}_{braced(joined)}"

    def _sigma(self, form: Form) -> str:
        heads = []
        for var in form.data:
            first = size_text(var.start)  # type: ignore[attr-defined]
            last = size_text(var.start + var.count + Size.of(-1))  # type: ignore[attr-defined]
            heads.append(f"\\sum_{{{var.label}={first}}}^{braced(last)}")  # type: ignore[attr-defined]
        return f"{''.join(heads)} {self.tight(form.args[0], PRODUCT)}"

    def _sum(self, form: Form) -> str:
        terms = sorted(form.args, key=lambda a: self._sign(a) < 0)
        text = ""
        for k, term in enumerate(terms):
            if self._sign(term) < 0:
                body = self.tight(f.neg(term), NEGATIVE)
                text += f" - {body}" if k else f"-{body}"
            else:
                body = self.tight(term, NEGATIVE)
                text += f" + {body}" if k else body
        return text

    def _sign(self, term: Form) -> int:
        return -1 if f.parts(term)[0] < 0 else 1

    def _juxtaposed(self, texts: list[str]) -> str:
        result = ""
        for text in texts:
            glue = " " if text[0].isalpha() and COMMAND.search(result) else ""
            if result == "d" and text[0].isalpha():
                glue = "\\, "
            result += glue + text
        return result

    def _product(self, form: Form) -> tuple[str, int]:
        coefficient, powers, matrix = f.parts(form)
        above: list[str] = []
        below: list[str] = []
        many_below = sum(e < 0 for _, e in powers) + (coefficient.denominator != 1) > 1
        for base, exponent in powers:
            if exponent > 0:
                above.append(self.tight(base, PRODUCT + 1) if exponent == 1 else self._power(base, exponent))
            elif exponent == -1:
                below.append(self.tight(base, POWER) if many_below else self.text(base))
            else:
                below.append(self._power(base, -exponent))
        number = str(abs(coefficient.numerator)) if abs(coefficient.numerator) != 1 else ""
        if coefficient.denominator != 1:
            below.insert(0, str(coefficient.denominator))
        sign = "-" if coefficient < 0 else ""
        level = NEGATIVE if sign else PRODUCT
        body = self.tight(matrix, PRODUCT if matrix.op != "had" else NEGATIVE) if matrix is not None else ""
        if matrix is not None and matrix.op == "had" and level == PRODUCT:
            level = NEGATIVE
        if not below:
            texts = [x for x in (number, *above, body) if x]
            if not texts:
                return f"{sign}1", level if sign else ATOM
            single = len(texts) == 1 and not sign
            if single and not number and matrix is None:
                return texts[0], POWER if powers[0][1] != 1 else PRODUCT
            return sign + self._juxtaposed(texts), ATOM if texts == [number] and not sign else level
        denominator = self._juxtaposed(below)
        simple = matrix is not None and matrix.op in ("sym", "T", "chain")
        if matrix is None or simple and len(body) + len("".join(above)) <= 12 and matrix.op != "add":
            top = self._juxtaposed([x for x in (number, *above, body) if x]) or "1"
            if top.startswith("(") and matched(top):
                top = top[1:-1]
            if top.startswith("\\left(") and top.endswith("\\right)") and matched(top[5:-7] + ")"):
                top = top[6:-7]
            return f"{sign}\\frac{{{top}}}{{{denominator}}}", level
        top = self._juxtaposed([x for x in (number, *above) if x]) or "1"
        if top.startswith("(") and matched(top):
            top = top[1:-1]
        return sign + self._juxtaposed([f"\\frac{{{top}}}{{{denominator}}}", body]), level


def matched(text: str) -> bool:
    """Whether the first bracket is closed by the last."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return k == len(text) - 1
    return False


def bracket(text: str) -> str:
    """In round brackets, sized where the content is tall."""
    if "\\frac" in text or "\\sum" in text or "\\left" in text:
        return f"\\left({text}\\right)"
    return f"({text})"


def braced(text: str) -> str:
    return text if len(text) == 1 or text in ("\\top", "\\intercal", "\\infty") else f"{{{text}}}"


def size_text(size: Size) -> str:
    """A size as LaTeX."""
    if any(a.startswith("?") for a in size.atoms):
        raise NoForm("a size that the document does not name")
    terms = sorted(size.terms, key=lambda t: t[1] < 0)
    texts = [str(Size((term,))).replace("·", " ") for term in terms]
    return "".join(x if not k else f" - {x[1:]}" if x[0] == "-" else f" + {x}" for k, x in enumerate(texts)) or "0"
