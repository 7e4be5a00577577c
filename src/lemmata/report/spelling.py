"""A reading in the author's symbols with every grouping shown, and the shapes of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate.statement import Reading

SIGNS = {"add": "+", "sub": "-", "mul": "\\cdot", "div": "/", "matmul": "\\,", "dot": "\\,", "and": "\\land"}
POSTFIX = {"transpose": "^\\top", "inv": "^{-1}"}
BIG = {"sum": "\\sum", "prod": "\\prod", "max": "\\max", "min": "\\min"}
BARE = {"as_row", "as_column", "spread", "real"}
"""Operations that say how a value is laid out, not what it is."""
DEPTH = 40
MOST_SHAPES = 24

Solution = Mapping[str, Size]


def spell(term: t.Term, depth: int = 0) -> str:
    """The term as LaTeX, parenthesised; definitions stay their names."""
    if depth > DEPTH:
        return "\\dots"

    def inner(part: t.Term) -> str:
        return spell(part, depth + 1)

    match term:
        case t.Num(value=value):
            return str(value) if value >= 0 else f"({value})"
        case t.Special(name=name):
            return {"pi": "\\pi", "inf": "\\infty"}.get(name, name)
        case t.SizeNum(size=size):
            return str(size) if len(size.terms) < 2 else f"({size})"
        case t.Input(variable=variable):
            return variable.latex
        case t.Defined(latex=latex, member=member) | t.Unrolled(latex=latex, member=member):
            return member or latex
        case t.Var(var=var):
            return var.label
        case t.Op(name="opaque", args=args, attrs=attrs):
            function = str(dict(attrs)["name"]).partition("#")[0].rstrip("?")
            return f"{function}({', '.join(bare(inner(a)) for a in args)})"
        case t.Op(name="matrix_power" | "matrix_real_power", args=(base,), attrs=attrs):
            return f"{inner(base)}^{{{dict(attrs)['exponent']}}}"
        case t.Op(name=name, args=args):
            return _operation(name, [inner(a) for a in args])
        case t.Reduce(op=op, vars=variables, body=body, guard=guard):
            where = ", ".join(_range(v) for v in variables) + (f",\\ {inner(guard)}" if guard is not None else "")
            return f"{BIG.get(op) or word(op)}_{{{where}}} \\left({bare(inner(body))}\\right)"
        case t.Build(vars=variables, body=body):
            return f"\\left[{inner(body)}\\right]_{{{', '.join(_range(v) for v in variables)}}}"
        case t.Item(member=member) if member:
            return member
        case t.Item(base=base, indices=indices):
            return f"{inner(base)}_{{{','.join(':' if i is None else inner(i) for i in indices)}}}"
        case t.Cases(branches=branches, otherwise=otherwise):
            rows = [f"{inner(value)} & {inner(condition)}" for value, condition in _ordered(branches)]
            rows += [inner(otherwise)] if otherwise is not None else []
            return "\\begin{cases} " + " \\\\ ".join(rows) + " \\end{cases}"
        case t.Compare(op=op, left=left, right=right):
            return f"({inner(left)} {op} {inner(right)})"
        case t.Deriv(of=of, wrt=wrt):
            return f"\\frac{{\\partial\\, {inner(of)}}}{{\\partial\\, {inner(wrt)}}}"
        case t.At(body=body, variable=variable, value=value):
            return f"\\left.{inner(body)}\\right|_{{{variable.latex} = {inner(value)}}}"
        case t.Held(body=body):
            return inner(body)
        case t.Apply(name=name, args=args):
            return f"{name}({', '.join(bare(inner(a)) for a in args)})"
        case t.Blocks(rows=rows_):
            return "\\begin{bmatrix} " + " \\\\ ".join(" & ".join(map(inner, r)) for r in rows_) + " \\end{bmatrix}"
        case t.Stacked(var=var, body=body):
            return f"\\operatorname{{Concat}}_{{{_range(var)}}}({inner(body)})"
        case t.Expect(body=body, given=given):
            bar = " \\mid " + ", ".join(map(inner, given)) if given else ""
            return f"\\mathbb{{E}}[{bare(inner(body))}{bar}]"
    return type(term).__name__


def chain(reading: Reading) -> str:
    """The sides of a claim with their relations, as they were read."""
    parts = [bare(spell(reading.sides[0]))]
    for relation, side in zip(reading.relations, reading.sides[1:]):
        parts += [relation, bare(spell(side))]
    return " ".join(parts)


def bare(text: str) -> str:
    """Without a pair of brackets around the whole."""
    depth = 0
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and at < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _ordered(branches: tuple[tuple[t.Term, t.Term], ...]) -> list[tuple[t.Term, t.Term]]:
    """(value, condition) whichever way round a branch is stored."""
    return [(b, a) if a.type.dtype == "bool" and b.type.dtype != "bool" else (a, b) for a, b in branches]


def _range(var: t.IndexVar) -> str:
    last = var.start + var.count - Size.of(1)
    return f"{var.label}={var.start}..{last}"


def _operation(name: str, args: list[str]) -> str:
    if name in BARE and len(args) == 1:
        return args[0]
    if name in POSTFIX and len(args) == 1:
        return f"{args[0]}{POSTFIX[name]}"
    if name == "neg":
        return f"(-{args[0]})"
    if name == "pow" and len(args) == 2:
        return f"{args[0]}^{{{args[1]}}}"
    if name in SIGNS and len(args) > 1:
        return "(" + f" {SIGNS[name]} ".join(args) + ")"
    return f"{word(name)}({', '.join(map(bare, args))})"


def word(name: str) -> str:
    return f"\\operatorname{{{name}}}"


def shape(type_: t.Tensor, solution: Solution) -> str:
    """`n × d`, `row d`, `number`; unknown sizes as `?`."""
    return str(type_.substitute(solution))


def shapes(sides: tuple[t.Term, ...], solution: Solution) -> list[tuple[str, str]]:
    """(part, its shape) for the sides, then every symbol and operation in them, each once."""
    found: dict[str, str] = {}
    stack: list[tuple[t.Term, int]] = [(side, 0) for side in reversed(sides)]
    while stack and len(found) < MOST_SHAPES:
        term, depth = stack.pop()
        if not isinstance(term, (t.Num, t.Special, t.SizeNum, t.Var)):
            found.setdefault(spell(term), shape(term.type, solution))
        if not isinstance(term, t.Defined) and depth < DEPTH:
            stack.extend((part, depth + 1) for part in reversed(t.subterms(term)))
    return list(found.items())
