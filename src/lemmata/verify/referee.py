"""The referee: both sides again in ball arithmetic, where a result comes with the interval it certainly lies in.

Only an enclosure of the difference that excludes zero refutes. python-flint is imported at the first doubt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.program.node import Node
from lemmata.verify.double import common_axes, spread
from lemmata.verify.problem import Instance
from lemmata.verify.values import Array, Draw

PRECISIONS = (53, 128, 512, 2048)
SETTLED = 2.0**-60
THOROUGH = 2.0**-400
"""A difference enclosed within this part of the larger side around zero counts as none; the second where there is
reason to expect a very small one."""
ROUGH = 1e-3
"""What a program that approximates by itself must miss by, relative to the larger side, before it counts as wrong."""


class Ruling(Struct, frozen=True):
    """kind: `differ`, `agree` or `unclear` for equations; `violated`, `holds` or `unclear` for inequalities."""

    kind: str
    index: tuple[int, ...] = ()
    left: object = None
    right: object = None
    enclosure: str = ""
    bits: int = 0
    reason: str = ""
    gap: bool = False
    """Whether it is unclear only because ball arithmetic lacks an operation or the program is too large."""


def rule(
    instance: Instance, draws: Mapping[str, Draw], link: int, precision: int = 2048, thorough: bool = False
) -> Ruling:
    """Decide one link at one trial; `thorough` where a very small difference is suspected."""
    relation = instance.relations[link]
    last = Ruling("unclear", reason="the enclosures are too wide")
    for bits in PRECISIONS:
        if bits > precision:
            break
        if thorough and bits < 512:
            continue
        try:
            sides = enclosures(instance, draws, (instance.sides[link], instance.sides[link + 1]), bits)
        except Unclear as doubt:
            last = Ruling("unclear", reason=str(doubt), bits=bits, gap=doubt.final)
            if doubt.final:
                break
            continue
        last = (
            _equation(*sides, bits, instance.exact, THOROUGH if thorough else SETTLED)
            if relation in ("=", "\\ne")
            else _order(*sides, relation, bits)
        )
        if last.kind != "unclear":
            break
    return last


class Unclear(Exception):
    """Ball arithmetic has no answer; `final` where more precision cannot help."""

    def __init__(self, message: str, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def enclosures(
    instance: Instance, draws: Mapping[str, Draw], sides: tuple[Node, Node], bits: int
) -> tuple[Array, Array]:
    """Both sides as arrays of balls over their common axes, where every condition certainly holds. Raises Unclear."""
    try:
        from lemmata.backends import ball
    except ImportError as error:
        raise Unclear("python-flint is not installed", final=True) from error
    feeds = {name: d.fractions() for name, d in draws.items()}
    try:
        results = ball.run((*sides, *instance.conditions), feeds, bits)
    except ball.Undecided as doubt:
        raise Unclear(str(doubt)) from doubt
    except ball.Unsupported as gap:
        raise Unclear(str(gap), final=True) from gap
    except ArithmeticError as error:
        raise Unclear("there is a division by something that may be zero") from error
    except (TypeError, ValueError) as error:
        raise Unclear(f"ball arithmetic cannot follow: {error}", final=True) from error
    if not all(bool(np.asarray(c).all()) for c in results[2:]):
        raise Unclear("a condition does not hold")
    axes = common_axes(instance.sides)
    left, right = (spread(np.asarray(v, dtype=object), n.axes, axes) for v, n in zip(results[:2], sides, strict=True))
    left, right = np.broadcast_arrays(left, right)
    return left, right


def _equation(left: Array, right: Array, bits: int, exact: bool, negligible: float) -> Ruling:
    settled = True
    for index in np.ndindex(left.shape):
        a, b = left[index], right[index]
        difference = _minus(a, b)
        if difference is None:
            continue
        if not difference.is_finite():
            return Ruling("unclear", reason="a side is not finite", bits=bits)
        larger = max(_upper(a), _upper(b), 1e-300)
        if not difference.contains(0):
            if not exact and _lower(difference) < ROUGH * larger:
                settled = False
                continue
            return Ruling("differ", index, *_apart(a, b, difference, larger), _text(difference), bits)
        if _upper(difference) > negligible * max(larger, 1.0):
            settled = False
    return Ruling("agree", bits=bits) if settled else Ruling("unclear", reason="the enclosures are too wide", bits=bits)


def _apart(a: Any, b: Any, difference: Any, larger: float) -> tuple[object, object]:
    """Two values as numbers, or with as many digits as it takes to tell them apart."""
    left, right = _number(a), _number(b)
    if left != right or not hasattr(a, "str") or not hasattr(b, "str"):
        return left, right
    digits = 3 + math.ceil(math.log10(larger / max(_lower(difference), 1e-300)))
    return a.str(digits, radius=False), b.str(digits, radius=False)


def _order(left: Array, right: Array, relation: str, bits: int) -> Ruling:
    certain = True
    for index in np.ndindex(left.shape):
        a, b = left[index], right[index]
        if relation in (">", "\\ge"):
            a, b = b, a
        difference = _minus(a, b)
        if difference is None:
            continue
        if not difference.is_finite() or not hasattr(difference, "lower"):
            return Ruling("unclear", reason="a side is not a finite real number", bits=bits)
        if difference > 0 or (relation in ("<", ">") and difference.is_zero()):
            return Ruling("violated", index, _number(left[index]), _number(right[index]), _text(difference), bits)
        if not difference < 0 and not (relation in ("\\le", "\\ge") and difference.is_zero()):
            certain = False
    return Ruling("holds", bits=bits) if certain else Ruling("unclear", reason="the two sides are too close", bits=bits)


def _minus(a: Any, b: Any) -> Any:
    """The difference; None for equal truth values or equal infinities."""
    if isinstance(a, (bool, np.bool_)) or isinstance(b, (bool, np.bool_)):
        from flint import arb

        a, b = (arb(int(x)) if isinstance(x, (bool, np.bool_)) else x for x in (a, b))
    if not a.is_finite() and not b.is_finite() and str(a) == str(b) and "inf" in str(a) and "nan" not in str(a):
        return None
    return a - b


def _upper(value: Any) -> float:
    return float(value.abs_upper()) if hasattr(value, "abs_upper") else float(abs(int(value)))


def _lower(value: Any) -> float:
    return float(value.abs_lower())


def _number(value: Any) -> object:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if hasattr(value, "imag") and not value.imag.is_zero():
        return [float(value.real.mid()), float(value.imag.mid())]
    return float(value.real.mid())


def _text(value: Any) -> str:
    return str(value.str(6)) if hasattr(value, "str") else str(value)
