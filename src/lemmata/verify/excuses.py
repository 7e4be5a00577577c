"""Sensible readings under which a failing equation holds after all, so that it is not refuted.

A printed decimal stands for every number that rounds to it, a letter under a root for a positive number, and an
equation or inequality between a rational expression in free letters and a number is a condition on the letters.
"""

from __future__ import annotations

import math
from fractions import Fraction

from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Node
from lemmata.verify import double
from lemmata.verify.outcome import Outcome
from lemmata.verify.problem import Domain
from lemmata.verify.sampling import draw, generator
from lemmata.verify.trials import Bench
from lemmata.verify.values import Style

RATIONAL = frozenset(
    "input constant array special iota broadcast rename select eq add sub mul div neg square reciprocal pow "
    "sum contract diagonal take stack concat merge split".split()
)
"""What a rational expression is made of."""
LETTERS = frozenset({"input", "iota", "rename", "broadcast"})
"""What a letter by itself is made of: an input, or an index."""
CONDITION = "it reads as a condition on"
"""How the reason begins for a relation that asks something of free letters."""
ROUND_OFF = 1e-11
"""A relative difference that rounding may explain; used only where the outcome is to say nothing."""


def excuse(bench: Bench, link: int, seed: int) -> Outcome | None:
    """Why a failing link need not be wrong; None where nothing excuses it."""
    condition = as_condition(bench)
    if condition is not None:
        return condition
    if _printed(bench, link):
        return Outcome("undecided", reason="the sides agree only to the digits printed")
    names = _holds_if_positive(bench, link, seed)
    if names:
        reason = f"it holds where {', '.join(names)} {'is' if len(names) == 1 else 'are'} positive, which nothing says"
        return Outcome("undecided", reason=reason)
    return None


def as_condition(bench: Bench) -> Outcome | None:
    """For a failing relation that asks something of free letters.

    It is one between a rational expression in them and a number, or one between two letters.
    """
    instance = bench.tried[0].trial.instance
    if len(instance.relations) > 1 or instance.concluded:
        return None
    free = [side for side in instance.sides if double.depends_on_inputs(side)]
    bare = all(n.op in LETTERS for n in nodes(*instance.sides))
    if instance.of_derivatives and (bare or not any(_is_plain_number(side) for side in instance.sides)):
        return None  # ∂f/∂x = 0 may be a condition on x, ∂f/∂x = a none
    if not bare and any(n.op not in RATIONAL or _is_root(n) for n in nodes(*free)):
        return None
    if not bare and len(free) != 1:
        return _as_equation(bench)
    names = {n.attr("name") for n in inputs(*free)}
    letters = [i.latex for i in instance.inputs if i.node.attr("name") in names and i.latex]
    asked = ", ".join(letters) or ", ".join(dict.fromkeys(a.label for a in double.common_axes(instance.sides)))
    return Outcome("undecided", reason=f"{CONDITION} {asked}, which fails in general")


def _is_plain_number(side: Node) -> bool:
    """Whether nothing but numbers take part, no outcome of chance among them."""
    return not any(n.op in ("input", "array") for n in nodes(side))


def _as_equation(bench: Bench) -> Outcome | None:
    """For a failing equation that may ask for a vector: one side is linear in it, the other is without it."""
    instance = bench.tried[0].trial.instance
    if instance.relations != ("=",):
        return None
    used = [{n.attr("name") for n in inputs(side)} for side in instance.sides]
    for here, other in ((0, 1), (1, 0)):
        for unknown in instance.inputs:
            name = unknown.node.attr("name")
            if len(unknown.node.axes) != 1 or name not in used[here] or name in used[other] or not unknown.latex:
                continue
            side = instance.sides[here]
            if len(side.axes) == 1 and used[here] != {name} and _linear(side, unknown.node):
                reason = f"it may be an equation to be solved for {unknown.latex}"
                return Outcome("undecided", reason=reason)
    return None


def _linear(side: Node, unknown: Node) -> bool:
    """Whether a product or sum holds an input in one factor of each term, and nowhere else."""
    if side is unknown:
        return True
    depends = [a for a in side.args if unknown in set(nodes(a))]
    if side.op in ("add", "sub"):
        return len(depends) == len(side.args) and all(_linear(a, unknown) for a in depends)
    if side.op in ("mul", "contract", "sum", "broadcast", "rename", "neg"):
        return len(depends) == 1 and _linear(depends[0], unknown)
    return False


def _holds_if_positive(bench: Bench, link: int, seed: int) -> list[str]:
    """The unbounded inputs, if a claim with roots holds wherever all of them are positive."""
    instance = bench.tried[0].trial.instance
    free = [i for i in instance.inputs if i.domain == Domain() and i.node.dtype == "real"]
    if not free or not any(map(_is_root, nodes(*bench.tried[0].trial.instance.sides[link : link + 2]))):
        return []
    agreed = 0
    for attempt in range(8):
        draws = draw(
            instance.inputs, generator(seed, 32452843, attempt), Style(scale=2.0 ** (attempt % 3), positive=True)
        )
        values = double.evaluate(instance, draws)
        if values is None or not values.conditions:
            continue
        look = double.compare(values.sides[link], values.sides[link + 1], instance.exact)
        if look.kind == "doubt" and look.difference > ROUND_OFF:
            return []
        agreed += look.kind in ("agrees", "doubt")
    return [i.latex for i in free if i.latex] if agreed >= 3 else []


def _printed(bench: Bench, link: int) -> bool:
    """Whether rounding of the decimals in the claim may explain every difference."""
    for tried in bench.tried:
        sides = tried.trial.instance.sides[link : link + 2]
        left, right = tried.values.sides[link], tried.values.sides[link + 1]
        look = double.compare(left, right, tried.trial.instance.exact)
        slack = _printed_slack(*sides)
        if slack and look.difference <= slack:
            continue
        if left.size == right.size == 1 and not any(map(double.depends_on_inputs, sides)):
            pairs = ((sides[1], left), (sides[0], right))
            if any(_rounds_to(literal, float(value.real.item())) for literal, value in pairs):
                continue
        return False
    return True


def _is_root(node: Node) -> bool:
    """A square root or a power that is not whole."""
    if node.op != "pow":
        return node.op == "sqrt"
    exponent = node.args[1]
    while exponent.op == "broadcast":
        exponent = exponent.args[0]
    return exponent.op != "constant" or exponent.dtype != "int"


def _printed_slack(left: Node, right: Node) -> float:
    """The relative difference that rounding of printed decimals may explain.

    A number of four or more digits, such as 0.7978 for √(2/π), stands for all that round to it; between numbers alone
    (worked examples, rounded at every step) a part in a hundred is left.
    """
    if not double.depends_on_inputs(left) and not double.depends_on_inputs(right):
        return 1e-2
    digits = [d for n in nodes(left, right) if n.op == "constant" and (d := _digits(n.attr("value"))) >= 4]
    return sum(7.5 * 10.0**-d for d in digits)


def _digits(value: object) -> int:
    """Significant digits of a decimal fraction; 0 for whole numbers and other fractions."""
    if isinstance(value, (int, complex)) or not isinstance(value, (Fraction, float)) or not math.isfinite(value):
        return 0
    fraction = Fraction(repr(value)) if isinstance(value, float) else value
    for places in range(1, 18):
        scaled = fraction * 10**places
        if scaled.denominator == 1:
            return len(str(abs(scaled.numerator)))
    return 0


def _rounds_to(literal: Node, value: float) -> bool:
    """Whether `value` rounds to the decimal fraction that stands alone on the other side."""
    if literal.op != "constant" or not isinstance(literal.attr("value"), (Fraction, float)):
        return False
    printed = literal.attr("value")
    fraction = Fraction(repr(printed)) if isinstance(printed, float) else printed
    for places in range(1, 18):
        if (fraction * 10**places).denominator == 1:
            return abs(value - float(fraction)) <= 0.5000001 * 10.0**-places
    return False
