"""Names that follow a pattern of the document: the Jacobian J_f, the gradient dX, the rate \\dot X."""

from __future__ import annotations

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Environment, Place
from lemmata.elaborate.names import stem


def implied(environment: Environment, expr: s.Name, place: Place) -> s.Expr | None:
    """What a name that follows a pattern of the document stands for."""
    if expr.base == "J" and isinstance(expr.sub, s.Name):
        function = environment.find(stem(expr.sub), expr.sub.font, place)
        if function is not None and function.kind == "function" and len(function.params) == 1:
            return s.Derivative(expr.start, expr.end, "partial", 1, expr.sub, ((function.params[0], 1),))
        points = list(environment.arguments.get(stem(expr.sub), {}).values())
        if function is not None and function.kind == "abstract" and len(points) == 1:
            # f: ℝ^m → ℝ^m is only ever taken at x: J_f is its Jacobian there.
            called = s.Call(expr.start, expr.end, expr.sub, (points[0],), (), True)
            return s.Derivative(expr.start, expr.end, "partial", 1, called, ((points[0], 1),))
    if expr.accents == ("dot",):
        curve = environment.find(expr.base, expr.font, place)
        if curve is not None and curve.kind == "curve" and curve.through is not None:
            bare = replace(expr, accents=(), sup=None)
            return s.Derivative(expr.start, expr.end, "d", 1, bare, ((curve.through, 1),))
    if len(expr.base) > 1 and expr.base[0] == "d" and expr.word | (expr.base[1:2].isupper()):
        for key in environment.keys():
            for binding in environment.all(key):
                body = binding.body
                if key[0] == "d" and key != expr.base and isinstance(body, s.Derivative) and len(body.wrt) == 1:
                    wrt = body.wrt[0][0]
                    if isinstance(wrt, s.Name) and "d" + wrt.base == key:
                        rest = s.Name(expr.start, expr.end, expr.base[1:], font=expr.font)
                        return s.Derivative(expr.start, expr.end, body.style, 1, body.numerator, ((rest, 1),))
    return None
