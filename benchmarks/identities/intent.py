"""What else a page with a false equation may say: then nobody can hold it against the author.

Each kind has an argument of one sentence; the pages say nothing but declarations and definitions, so that this is all
there is. A case of these kinds must still never be verified.
"""

from __future__ import annotations

from identities.notation import Declaration, Topic
from identities.oracle import truth
from identities.tree import Node

OPERATIONS_WITH_LETTERS = frozenset({"sigmoid"})
"""Printed as a letter that a page may use for a function of its own: σ(x)."""


def other_reading(topic: Topic, claim: Node, original: Node) -> str:
    """How a false claim may be read so that it is no mistake; empty if it cannot be."""
    if claim.op == "=" and any(_free(topic, side) for side in claim.args):
        return "a free letter alone on a side is given a value there, or constrained"
    if claim.op == "=" and claim.args[0].op in OPERATIONS_WITH_LETTERS:
        return "a function that the page does not define is defined there"
    ops = {node.op for _, node in claim.walk()}
    if "spectral" in ops and "fro" not in ops:
        frobenius = claim.map(lambda e: Node("fro", e.args) if e.op == "spectral" else e)
        if truth(topic, frobenius) in ("true", "loose") or frobenius == original:
            return "the Frobenius norm, too, is written with an index 2"
    return ""


def _free(topic: Topic, side: Node) -> bool:
    """A letter, or a component of one, that the page declares and gives no value and no law."""
    name = side.args[0].name if side.op == "at" else side.name if side.op == "sym" else ""
    declared = topic.declared(name) if name else None
    if declared is None or declared.kind in ("size", "index") or declared.random:
        return False
    heads = {(h.args[0] if h.op == "at" else h).name for h, _ in topic.definitions}
    return name not in heads and not any(name in _parameters(d) for d in topic.declarations)


def _parameters(declaration: Declaration) -> tuple[str, ...]:
    return declaration.random[1:]
