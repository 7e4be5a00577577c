"""The author's text by the parts of its surface syntax: bases, scripts, factors, and how they are spelled back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem
from lemmata.latex.tree import Row, Script
from lemmata.latex.walk import walk
from lemmata.repair.edit import joined

TRANSPOSES = {"\\top", "T", "\\mathsf T", "\\mathsf{T}", "\\mathrm{T}", "\\mathrm T", "\\intercal", "\\rm T"}
TALL = ("\\frac", "\\sum", "\\prod", "\\left", "\\dfrac", "\\begin")
NUMBER = re.compile(r"\d+(\.\d+)?\Z")


class Source:
    """One formula with its notation tree. Texts are the author's own slices, rearranged."""

    def __init__(self, latex: str, row: Row, mark: str = "", functions: frozenset[str] = frozenset()) -> None:
        self.latex = latex
        self.functions = functions
        self._scripts: dict[int, list[Script]] = {}
        for node in walk(row):
            if isinstance(node, Script):
                self._scripts.setdefault(node.end, []).append(node)
        self.mark = mark or transpose_mark(latex) or "\\top"

    def text(self, node: s.Expr) -> str:
        return self.latex[node.start : node.end].strip()

    def script(self, node: s.Expr) -> Script | None:
        """The scripts that hang on the node itself."""
        found = [x for x in self._scripts.get(node.end, ()) if x.start >= node.start]
        return min(found, key=lambda x: x.start) if found else None

    def sup(self, node: s.Expr) -> str:
        """The superscript as written, without braces."""
        script = self.script(node)
        if script is None or script.sup is None:
            return ""
        return unbraced(self.latex[script.sup.start : script.sup.end])

    def with_sup(self, node: s.Expr, sup: str) -> str:
        """The node with another superscript, or with none."""
        script = self.script(node)
        if script is None or script.sup is None:
            return self.text(node) + (f"^{braced(sup)}" if sup else "")
        if sup:
            return self.latex[node.start : script.sup.start] + braced(sup) + self.latex[script.sup.end : node.end]
        before = script.base.end
        if script.sub is not None and script.sub.end <= script.sup.start:
            before = script.sub.end
        return self.latex[node.start : before] + self.latex[script.sup.end : node.end]

    def is_transposed(self, node: s.Expr) -> bool:
        return self.sup(node).strip() in TRANSPOSES

    def transposed(self, node: s.Expr) -> str:
        """The transpose, spelled by the rules: factors in reverse order, sums in brackets, twice is not at all."""
        match node:
            case s.Num():
                return self.text(node)
            case s.Sign(op=op, body=body):
                return joined(op, self.transposed(body))
            case s.Choice(options=options):
                return self.transposed(options[0])
            case s.Juxt():
                items = self.factors_of(node)
                numbers = [i for i in items if _is_scalar(i)]
                others = [i for i in items if not _is_scalar(i)]
                return joined(*map(self.text, numbers), *(self.transposed(i) for i in reversed(others)))
            case s.Infix(ops=ops, items=items) if all(op in ("\\otimes", "\\odot", "\\circ") for op in ops):
                pieces = [self.transposed(items[0])]
                for op, item in zip(ops, items[1:], strict=True):
                    pieces += [f" {op} ", self.transposed(item)]
                return joined(*pieces)
            case s.Name() | s.Scripted() | s.Paren() | s.Matrix():
                sup = self.sup(node).strip()
                if sup in TRANSPOSES:
                    return self.with_sup(node, "")
                if not sup:
                    return self.with_sup(node, self.mark)
                if sup == "-1":
                    return self.with_sup(node, joined("-", self.mark))
                if sup.startswith("-") and sup[1:].strip() in TRANSPOSES:
                    return self.with_sup(node, "-1")
        return f"{brackets(self.text(node))}^{braced(self.mark)}"

    def factors_of(self, node: s.Juxt) -> tuple[s.Expr, ...]:
        """The factors of a product; a function with its argument is one."""
        found: list[s.Expr] = []
        for item in node.items:
            before = found[-1] if found else None
            inner = item.base if isinstance(item, s.Scripted) else item
            if isinstance(before, s.Name) and isinstance(inner, s.Paren) and stem(before) in self.functions:
                found[-1] = s.Paren(before.start, item.end, inner.open, inner.close, inner.items, inner.separators)
            else:
                found.append(item)
        return tuple(found)

    def arranged(self, items: Sequence[s.Expr], order: Sequence[int]) -> str:
        """The items in another order, the separators where they are."""
        pieces: list[str] = []
        for at, k in enumerate(order):
            pieces.append(self.text(items[k]))
            if at + 1 < len(order):
                pieces.append(self.latex[items[at].end : items[at + 1].start] or "")
        return joined(*pieces)


def _is_scalar(node: s.Expr) -> bool:
    """What is surely a number: written ones, fractions, norms, traces."""
    match node:
        case s.Num() | s.Quotient() | s.Bars() | s.RootOf():
            return True
        case s.Scripted(base=s.Bars()):
            return True
        case s.Call(function=s.Name(base=base)):
            return base.strip("\\") in ("det", "tr", "trace", "log")
    return False


def transpose_mark(latex: str) -> str:
    """How transposes are written in a text, or nothing."""
    found = re.search(r"\^\s*\{?\s*-?\s*(\\top|\\(?:mathsf|mathrm)\s*(?:T|\{T\})|\\intercal|T(?![a-zA-Z]))", latex)
    return found.group(1) if found else ""


def brackets(text: str) -> str:
    return f"\\left({text}\\right)" if any(word in text for word in TALL) else f"({text})"


def braced(text: str) -> str:
    return text if re.fullmatch(r"\\[a-zA-Z]+|[a-zA-Z0-9]", text) else f"{{{text}}}"


def unbraced(text: str) -> str:
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text
