"""Steps inside operations of the catalogue, in words: row max, exp, row sum, mean, variance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lemmata.program.build import literal
from lemmata.program.node import Axis, Node
from lemmata.sheets.titles import flat, raised

if TYPE_CHECKING:
    from lemmata.sheets.steps import Step

SIGNS = {"add": "+", "sub": "−", "mul": "·", "div": "/"}
COMPARED = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠", "and_": "and", "or_": "or"}
WORDS = {"sum": "sum", "max": "max", "min": "min", "prod": "product", "argmax": "argmax", "argmin": "argmin"}
CALLED = {"maximum": "max", "minimum": "min", "mod": "mod", "atan2": "atan2"}
SPECIAL = {"pi": "π", "e": "e", "inf": "∞", "euler_gamma": "γ"}

Known = Callable[[Node], str]


def explain(node: Node, rows: Axis | None, columns: Axis | None, known: Known, steps: Mapping[int, Step]) -> str:
    """What is done in this step, with short names for the steps before it."""
    return _Words(known, steps, node).own(node)


class _Words:
    def __init__(self, known: Known, steps: Mapping[int, Step], root: Node) -> None:
        self.known, self.steps, self.root = known, steps, root

    def own(self, node: Node) -> str:
        """The node's own operation spelled out."""
        return self._spell(node, True)[0]

    def _spell(self, node: Node, first: bool = False) -> tuple[str, int]:
        while node.op == "call":
            node = node.args[-1]
        if not first:
            name = self.known(node)
            if name:
                return name, 0 if set("+−") & set(name) else 1 if set(" /·") & set(name) else 3
            if node.uid in self.steps:
                short = self._short(node)
                return (short, 3) if short else self._spell(node, True)
        value = literal(node)
        if value is not None:
            return str(value), 3
        args = node.args
        match node.op:
            case "special":
                return SPECIAL.get(node.attr("name"), node.attr("name")), 3
            case "iota":
                return node.axes[0].label if node.axes[0].label != "□" else "i", 3
            case "input":
                return node.attr("name"), 3
            case "rename" | "broadcast" | "diagonal":
                return self._spell(args[0])
            case "neg":
                return f"−{self._tight(args[0], 1)}", 0
            case "square":
                return raised(self._tight(args[0], 3), "2"), 2
            case "reciprocal":
                return f"1 / {self._tight(args[0], 2)}", 1
            case "sqrt":
                return f"√{self._tight(args[0], 3)}", 2
            case "mul" if args[0] is args[1]:
                return raised(self._tight(args[0], 3), "2"), 2
            case "add" | "sub" | "mul" | "div" as op:
                level = 0 if op in ("add", "sub") else 1
                left = self._tight(args[0], level)
                mean = self._mean(node)
                if mean:
                    return mean, 3
                return f"{left} {SIGNS[op]} {self._tight(args[1], level + (op in ('sub', 'div')))}", level
            case "pow":
                return raised(self._tight(args[0], 3), flat(self._spell(args[1])[0])), 2
            case "select":
                test, yes, no = (self._spell(a)[0] for a in args)
                return f"{{ {yes} if {test}; {no} otherwise }}", 3
            case op if op in COMPARED:
                return f"{self._tight(args[0], 1)} {COMPARED[op]} {self._tight(args[1], 1)}", 0
            case op if op in WORDS:
                return f"{self._along(node)}{WORDS[op]} of {self._spell(args[0])[0]}", 3
            case "contract":
                if len(args) == 2 and args[0] is args[1]:
                    return f"{self._along(node)}sum of {raised(self._tight(args[0], 3), '2')}", 1
                return " ".join(self._tight(a, 2) for a in args), 1
            case "concat" | "stack" | "merge" | "split":
                return ", ".join(dict.fromkeys(self._spell(a)[0] for a in args)), 0
        name = CALLED.get(node.op, node.op.rstrip("_"))
        return f"{name}({', '.join(self._spell(a)[0] for a in args)})", 3

    def _tight(self, node: Node, level: int) -> str:
        text, own = self._spell(node)
        return text if own >= level else f"({text})"

    def _mean(self, node: Node) -> str:
        """A sum over an axis divided by its length: the mean, or the variance of what is centred."""
        if node.op != "div" or literal(node.args[1]) is None:
            return ""
        total = node.args[0]
        if total.op not in ("sum", "contract") or total.uid in self.steps:
            return ""
        count = 1
        for axis in total.attr("over"):
            count *= axis.size
        if literal(node.args[1]) != count:
            return ""
        if total.op == "sum":
            return f"{self._along(total)}mean of {self._spell(total.args[0])[0]}"
        if len(total.args) == 2 and total.args[0] is total.args[1]:
            centred = total.args[0]
            if centred.op == "sub" and self._mean(centred.args[1]):
                return f"{self._along(total)}variance of {self._spell(centred.args[0])[0]}"
            return f"{self._along(total)}mean of {raised(self._tight(centred, 3), '2')}"
        return ""

    def _along(self, node: Node) -> str:
        """`row ` where each row is reduced, `column ` where each column is; nothing where all is."""
        source = node.args[0]
        while source.op == "call":
            source = source.args[-1]
        step = self.steps.get(source.uid)
        if step is None:
            return ""
        over = set(node.attr("over"))
        if step.rows is None or step.columns is None or {step.rows, step.columns} <= over:
            return ""
        return "row " if step.columns in over else "column " if step.rows in over else ""

    def _short(self, node: Node) -> str:
        """A name for an unnamed step; nothing for one that is best spelled out."""
        mean = self._mean(node)
        if mean:
            return mean.split(" of ")[0]
        if node.op in WORDS:
            return f"{self._along(node)}{WORDS[node.op]}"
        if node.op == "sub" and self._mean(node.args[1]):
            return "(x − mean)"
        if node.op in ("exp", "log", "tanh", "sqrt"):
            return node.op
        return ""
