"""What an author would write: definitions of the document put back, common factors taken out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm

from lemmata.derive import form as f
from lemmata.derive import indexed
from lemmata.derive.form import Form, add, mul, product

Measure = Callable[[Form], int]
Powers = list[tuple[Form, Fraction]]


def fold(form: Form, definitions: Sequence[tuple[Form, Form]]) -> Form:
    """Parts that a definition of the document stands for, written as its symbol; pairs are (body, symbol)."""
    by_key = {body.key: symbol for body, symbol in definitions}
    turned = {f.transpose(body).key: f.transpose(symbol) for body, symbol in definitions if not body.number}

    def walk(x: Form) -> Form:
        found = by_key.get(x.key) or turned.get(x.key)
        if found is not None:
            return found
        opposite = by_key.get(f.neg(x).key) if x.op == "add" else None
        if opposite is not None:
            return f.neg(opposite)
        if not x.args or x.op in ("call", "upstream"):
            return x
        args = tuple(walk(a) for a in x.args)
        if any(a is not b for a, b in zip(args, x.args, strict=True)):
            x = f.rebuild(x, args)
        found = by_key.get(x.key)
        if found is not None:
            return found
        for body, symbol in definitions:
            replaced = _in_product(x, body, symbol)
            if replaced is None:
                replaced = _in_sum(x, body, symbol)
            if replaced is not None:
                return walk(replaced) if replaced.key != x.key else x
        return x

    return walk(form)


def _in_product(x: Form, body: Form, symbol: Form) -> Form | None:
    """x with the factors of `body` replaced by the symbol, where it has them all."""
    if x.op == "had" and body.op == "had":
        own = {a.key: a for a in x.args}
        if all(b.key in own for b in body.args) and len(x.args) > len(body.args):
            return f.had(symbol, *(a for k, a in own.items() if k not in {b.key for b in body.args}))
    if x.op != "mul" and x.op != "chain" or body.op not in ("mul", "chain"):
        return None
    coefficient, powers, matrix = f.parts(x)
    own_coefficient, wanted, wanted_matrix = f.parts(body)
    if body.op == "chain" and not body.number:
        return _in_chain(coefficient, powers, matrix, body, symbol)
    if wanted_matrix is not None and wanted_matrix.op == "chain" and not body.number:
        left = _divided(powers, wanted)
        return None if left is None else _in_chain(coefficient / own_coefficient, left, matrix, wanted_matrix, symbol)
    if wanted_matrix is not None or len(wanted) < 2 or x.op == "chain":
        return None
    rest = _divided(powers, wanted)
    if rest is None:
        return None
    return product(coefficient / own_coefficient, [*rest, (symbol, Fraction(1))], matrix)


def _divided(powers: Powers, wanted: Powers) -> Powers | None:
    """The powers without the wanted ones; None where they do not have them all."""
    have = {b.key: (b, e) for b, e in powers}
    for base, exponent in wanted:
        found = have.get(base.key)
        if found is None or found[1] * exponent < 0 or abs(found[1]) < abs(exponent):
            return None
        have[base.key] = (base, found[1] - exponent)
    return list(have.values())


def _in_chain(coefficient: Fraction, powers: Powers, matrix: Form | None, body: Form, symbol: Form) -> Form | None:
    if matrix is None or matrix.op != "chain":
        return None
    for pattern, name in ((body, symbol), (f.transpose(body), f.transpose(symbol))):
        if pattern.op != "chain":
            continue
        n = len(pattern.args)
        for k in range(len(matrix.args) - n + 1):
            if [a.key for a in matrix.args[k : k + n]] == [a.key for a in pattern.args]:
                whole = mul(*matrix.args[:k], name, *matrix.args[k + n :])
                return mul(product(coefficient, powers, None), whole)
    return None


def _in_sum(x: Form, body: Form, symbol: Form) -> Form | None:
    if x.op != "add" or body.op != "add" or len(body.args) >= len(x.args):
        return None
    for sign in (1, -1):
        wanted = {mul(f.num(sign), b).key for b in body.args}
        if wanted <= {a.key for a in x.args}:
            return add(mul(f.num(sign), symbol), *(a for a in x.args if a.key not in wanted))
    return None


def solve(form: Form, body: Form, symbol: Form) -> Form | None:
    """With x̂ = (x − μ1)/s defined: x − μ1 written as s x̂. None where the body is no such multiple of a sum."""
    coefficient, powers, matrix = f.parts(body)
    if matrix is None or matrix.op != "add" or not (powers or coefficient != 1):
        return None
    whole = mul(product(1 / coefficient, [(b, -e) for b, e in powers], None), symbol)
    found = f.substitute(form, lambda x: whole if x.key == matrix.key else None)
    return None if found.key == form.key else found


def expand(form: Form) -> Form:
    """Products of sums of numbers multiplied out, sums over one index joined."""
    if form.args and form.op not in ("call", "sym", "upstream"):
        args = tuple(expand(a) for a in form.args)
        if any(a is not b for a, b in zip(args, form.args, strict=True)):
            form = f.rebuild(form, args)
    if form.op == "mul":
        coefficient, powers, matrix = f.parts(form)
        for k, (base, exponent) in enumerate(powers):
            if base.op == "add" and exponent == 1:
                rest = product(coefficient, powers[:k] + powers[k + 1 :], matrix)
                return expand(add(*(mul(a, rest) for a in base.args)))
        if matrix is not None and matrix.op in ("add", "sum") and any(b.op == "add" for b, _ in powers):
            return form
    if form.op == "add":
        return _joined(form)
    return form


def _joined(form: Form) -> Form:
    """Σ_i a_i + Σ_i b_i = Σ_i (a_i + b_i)."""
    sums: dict[str, list[Form]] = {}
    rest = []
    for term in form.args:
        coefficient, powers, matrix = f.parts(term)
        body = matrix
        if matrix is None and len(powers) == 1 and powers[0][1] == 1:
            body, powers = powers[0][0], []
        if body is None or body.op != "sum" or len(body.data) != 1:
            rest.append(term)
            continue
        var = body.data[0]
        where = f"{var.start}|{var.count}"  # type: ignore[attr-defined]
        sums.setdefault(where, []).append(
            Form("sum", (mul(product(coefficient, powers, None), body.args[0]),), body.data, body.shape)
        )
    if all(len(group) == 1 for group in sums.values()):
        return form
    for group in sums.values():
        first = group[0].data[0]
        i = indexed.index(first.label, first.uid)  # type: ignore[attr-defined]
        bodies = []
        for one in group:
            own = indexed.index(one.data[0].label, one.data[0].uid).key  # type: ignore[attr-defined]
            bodies.append(_renamed(one.args[0], own, i))
        rest.append(indexed.total((first,), add(*(expand(b) for b in bodies))))
    return add(*rest)


def _renamed(form: Form, key: str, value: Form) -> Form:
    return f.substitute(form, lambda x: value if x.key == key else None)


def tidy(form: Form, measure: Measure) -> Form:
    """Sums with their common factors taken out, wherever that is shorter, innermost first."""
    if form.args and form.op not in ("call", "sym", "upstream"):
        args = tuple(tidy(a, measure) for a in form.args)
        if any(a is not b for a, b in zip(args, form.args, strict=True)):
            form = f.rebuild(form, args)
    if form.op != "add":
        return form
    return min([form, *_factored(form, measure)], key=measure)


def _factored(form: Form, measure: Measure, depth: int = 0) -> list[Form]:
    found = []
    common = _common_scalar(form)
    if common is not None:
        found.append(common)
        scale, rest = f.parts(common), None
        if scale[2] is not None and scale[2].op == "add":
            rest = scale[2]
        if rest is not None and depth < 3:
            inner = min([rest, *_factored(rest, measure, depth + 1)], key=measure)
            found.append(mul(product(scale[0], scale[1], None), inner))
    for left in (True, False):
        for group in _groups(form, left):
            taken = _take(form, group, left)
            if taken is not None:
                found.append(taken)
                if taken.op == "add" and depth < 3:
                    found.extend(_factored(taken, measure, depth + 1))
    hadamard = _common_hadamard(form)
    return found + ([hadamard] if hadamard is not None else [])


def _content(values: Sequence[Fraction]) -> Fraction:
    """The greatest common factor where it leaves whole numbers and saves writing; 1 otherwise."""
    top, bottom = gcd(*(v.numerator for v in values)), lcm(*(v.denominator for v in values))
    if len({abs(v) for v in values}) == 1:
        result = abs(values[0])
    else:
        result = Fraction(top, 1) if bottom == 1 else Fraction(1)
    return -result if all(v < 0 for v in values) else result


def _common_scalar(form: Form) -> Form | None:
    split = [f.parts(a) for a in form.args]
    content = _content([c for c, _, _ in split])
    shared: list[tuple[Form, Fraction]] = []
    for base, exponent in split[0][1]:
        exponents = [next((e for b, e in powers if b.key == base.key), Fraction(0)) for _, powers, _ in split]
        if all(e * exponent > 0 for e in exponents):
            least = min(exponents, key=abs)
            shared.append((base, least))
    if content == 1 and not shared:
        return None
    outside = product(content, shared, None)
    inverse = product(1 / content, [(b, -e) for b, e in shared], None)
    inside = add(*(mul(inverse, a) for a in form.args))
    if inside.op != "add":
        return mul(outside, inside)
    if form.number:
        coefficient, powers, _ = f.parts(outside)
        return product(coefficient, [*powers, (inside, Fraction(1))], None)
    return product(f.parts(outside)[0], f.parts(outside)[1], inside)


def _factors(term: Form) -> list[Form]:
    matrix = f.parts(term)[2]
    if matrix is None:
        return []
    return list(matrix.args) if matrix.op == "chain" else [matrix]


def _groups(form: Form, left: bool) -> list[list[int]]:
    """Terms that begin (or end) with the same factor, at least two."""
    found: dict[str, list[int]] = {}
    for k, term in enumerate(form.args):
        factors = _factors(term)
        if factors:
            found.setdefault(factors[0 if left else -1].key, []).append(k)
    return [g for g in found.values() if len(g) > 1]


def _take(form: Form, group: list[int], left: bool) -> Form | None:
    """The common beginning (or end) of the terms of the group, with what they share of numbers, taken out."""
    rows = [_factors(form.args[k]) for k in group]
    length = 0
    while all(len(r) > length for r in rows):
        place = length if left else -1 - length
        if len({r[place].key for r in rows}) > 1:
            break
        length += 1
    if not length:
        return None
    shared = rows[0][:length] if left else rows[0][-length:]
    inside = []
    whole = all(len(r) == length for r in rows)
    for k, factors in zip(group, rows, strict=True):
        coefficient, powers, _ = f.parts(form.args[k])
        rest = factors[length:] if left else factors[:-length]
        if rest and (rest[0].shape[0] is None) != (shared[-1].shape[1] is None) and left:
            return None
        if rest:
            inside.append(mul(product(coefficient, powers, None), *rest))
            continue
        size = shared[-1].shape[1] if left else shared[0].shape[0]
        one = f.eye(size) if size is not None and not whole else f.ONE
        inside.append(mul(product(coefficient, powers, None), one))
    if len({x.shape for x in inside}) > 1:
        return None
    body = add(*inside)
    common = _common_scalar(body) if body.op == "add" else None
    body = common if common is not None else body
    taken = mul(*shared, body) if left else mul(body, *shared)
    others = [a for k, a in enumerate(form.args) if k not in group]
    return add(taken, *others) if others else taken


def _common_hadamard(form: Form) -> Form | None:
    """u ⊙ a + u ⊙ b = u ⊙ (a + b)."""
    rows = []
    for term in form.args:
        coefficient, powers, matrix = f.parts(term)
        if matrix is None:
            return None
        rows.append((product(coefficient, powers, None), list(matrix.args) if matrix.op == "had" else [matrix]))
    shared = [x for x in rows[0][1] if all(any(y.key == x.key for y in r) for _, r in rows[1:])]
    if not shared:
        return None
    keys = {x.key for x in shared}
    inside = []
    for scale, row in rows:
        rest = [x for x in row if x.key not in keys]
        inside.append(mul(scale, f.had(*rest) if rest else f.ones(shared[0].shape)))
    return f.had(*shared, add(*inside))


def opened(definitions: Mapping[str, Form]) -> list[tuple[Form, Form]]:
    """(body, symbol) of each definition, larger bodies first."""
    pairs = [(s.body, s) for s in definitions.values() if s.body is not None and s.body.op not in ("sym", "family")]
    return sorted(pairs, key=lambda p: -len(p[0].key))
