"""A counterexample as a NumPy program that prints the two sides, without this package."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

import numpy as np

from lemmata.backends.numpy_source import NoSource, source
from lemmata.code.spelling import spellings
from lemmata.elaborate.statement import Statement
from lemmata.program.node import Node
from lemmata.verify.double import common_axes
from lemmata.verify.outcome import Failure
from lemmata.verify.problem import Input
from lemmata.verify.verdict import Verdict

TAKEN = frozenset({"np", "math", "left", "right", "take", "erf", "lgamma", *keyword.kwlist})


def replay(statement: Statement, verdict: Verdict) -> str:
    """The program; empty for what is not refuted by values, and for programs that NumPy has no short words for."""
    failure = verdict.counterexample.failure if verdict.counterexample is not None else None
    if failure is None:
        return ""
    instance = failure.trial.instance
    names = _names(instance.inputs)
    sides = instance.sides[failure.link], instance.sides[failure.link + 1]
    try:
        helpers, lines, (left, right) = source(sides, names)
    except NoSource:
        return ""
    text = "".join(helpers) + " ".join(lines) + left + right
    head = [f"# {line.strip()}" for line in statement.latex.splitlines() if line.strip()]
    head += [f"# {name} = {value}" for name, value in failure.trial.sizes.items() if not name.startswith("?")]
    head += ["import math", ""] if "math." in text else []
    head += ["import numpy as np", ""]
    given = [
        f"{names[i.node.attr('name')]} = {_value(failure.trial.draws[i.node.attr('name')].floats)}"
        + (f"  # {i.latex}" if i.latex and i.latex != names[i.node.attr("name")] else "")
        for i in instance.inputs
        if re.search(rf"\b{names[i.node.attr('name')]}\b", text)
    ]
    relation = {"=": "==", "\\le": "<=", "\\ge": ">=", "\\ne": "!="}.get(instance.relations[failure.link], "")
    relation = relation or instance.relations[failure.link]
    end = [
        f"left = {left}",
        f"right = {right}",
        f'print("left ", {_component("left", sides[0], sides, failure)})',
        f'print("right", {_component("right", sides[1], sides, failure)})',
    ]
    body = [*head, *[x for h in helpers for x in (h, "")], *given, "", *lines, *end]
    return "\n".join(body) + f"\n# the claim says: left {relation} right\n"


def _component(name: str, side: Node, sides: tuple[Node, Node], failure: Failure) -> str:
    """The component at which the sides differ."""
    axes = common_axes(failure.trial.instance.sides)
    place = dict(zip(axes, failure.index, strict=False))
    if not side.axes:
        return name
    return f"{name}[{', '.join(str(place.get(a, 0)) for a in side.axes)}]"


def _names(inputs: tuple[Input, ...]) -> Mapping[str, str]:
    """Python names for the inputs, as programmers spell the author's symbols, all different."""
    found: dict[str, str] = {}
    for number, given in enumerate(inputs, start=1):
        options = [x for x in spellings(given.latex) if x.isidentifier()] if given.latex else []
        options += [f"x{number}"]
        name = next(o for o in options if o not in TAKEN and o not in found.values() and not re.fullmatch(r"t\d+", o))
        found[given.node.attr("name")] = name
    return found


def _value(values: np.ndarray) -> str:  # type: ignore[type-arg]
    """Numbers as short as they can be read back."""
    whole = values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.round(values)).all()
    plain = (
        values.astype(int).astype(object).tolist() if whole and abs(values).max(initial=0) < 2**53 else values.tolist()
    )
    if values.ndim == 0:
        return f"{plain!r}.0" if isinstance(plain, int) else repr(plain)
    return f"np.array({plain!r}, {'complex' if values.dtype.kind == 'c' else 'float'})"
