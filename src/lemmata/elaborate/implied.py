"""What notation implies without saying it: families, widths, losses, sizes, first values."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import declare_sizes
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.guesses import MATRIX_LETTERS
from lemmata.elaborate.heads import head_of
from lemmata.elaborate.names import index_above, spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.solver import unknown


def implied_families(roles: Roles, exprs: list[s.Expr]) -> None:
    """W_i^Q with nothing said of it: a family of matrices, one for each i."""
    headed = {key for key, *_ in (*roles.heads, *roles.functions)}
    for item in roles.items:
        for node in walk(item.part.expr):
            match node:
                case s.Name(sub=s.Name(sub=None) as index, sup=None | s.Num()) if (
                    stem(index) in roles.shared.conventions.step_letters
                    and not (roles.environment.all(stem(node)) or roles.environment.all(f"{stem(node)}_{spell(index)}"))
                    and stem(node) not in (headed | roles.letters)
                ):
                    kind = Tensor((unknown(stem(node)),)) if node.font == "bold" else SCALAR
                    roles.environment.add(
                        Binding(
                            stem(node),
                            node.font,
                            spell(node),
                            "family",
                            Place(-1),
                            kind,
                            indices=(index,),
                            declared=False,
                        )
                    )
                case s.Name(base=base, sub=s.Name() as index, sup=s.Name() as label) if (
                    label.base != "T"
                    and (base in MATRIX_LETTERS or node.font == "bold" and base.isupper())
                    and stem(index) in roles.letters
                ):
                    key = f"{stem(node)}^{spell(label)}"
                    if roles.environment.all(key) or any(
                        b.kind != "variable" or b.indices for b in roles.environment.all(stem(node))
                    ):
                        continue
                    member = Tensor((unknown(key), unknown(key)))
                    roles.environment.add(
                        Binding(
                            key,
                            node.font,
                            f"{stem(node)}_{spell(index)}^{spell(label)}",
                            "family",
                            Place(-1),
                            member,
                            indices=(index,),
                            declared=False,
                        )
                    )


def widths(roles: Roles, exprs: list[s.Expr]) -> None:
    """d_k is the size that a declaration calls so; with none, the width of K."""
    for expr in exprs:
        for node in walk(expr):
            match node:
                case s.Name(base="d", sub=s.Name(base=letter, sub=None), sup=None, accents=(), primes=0) if (
                    len(letter) == 1 and letter.islower()
                ):
                    key = f"d_{letter}"
                    if roles.environment.all(key) or letter in roles.letters - {"k"}:
                        continue
                    roles.environment.add(Binding(key, "", key, "size", Place(-1), declared=False))
                    for binding in roles.environment.all(letter.upper()):
                        if binding.kind == "variable" and binding.type is not None and binding.type.rank == 2:
                            roles.aliases.append((binding.place, Size.of(key), binding.type.shape[1]))


def typed_parameters(roles: Roles) -> None:
    """f: ℝ^d → ℝ^m, f(x) = …: x is in ℝ^d if nothing else says what it is; and f is taken at x."""
    env = roles.environment
    for item in roles.items:
        for node in walk(item.part.expr):
            match node:
                case s.Juxt(items=items):
                    pairs = [(a, b.items) for a, b in zip(items, items[1:], strict=False) if isinstance(b, s.Paren)]
                case s.Call(function=function, arguments=arguments):
                    pairs = [(function, arguments)]
                case _:
                    continue
            for name, arguments in pairs:
                if not isinstance(name, s.Name) or name.sub is not None or name.sup is not None:
                    continue
                found = env.find(stem(name), name.font, item.place, len(arguments))
                if found is None or found.kind != "abstract" or len(found.argument_types) != len(arguments):
                    continue
                for argument, kind in zip(arguments, found.argument_types, strict=True):
                    env.arguments.setdefault(stem(name), {}).setdefault(spell(argument), argument)
                    if not isinstance(argument, s.Name) or argument.sub is not None or argument.sup is not None:
                        continue
                    key = stem(argument)
                    if env.all(key) or key in roles.letters or any(k == key for k, _, _ in roles.heads):
                        continue
                    env.add(Binding(key, argument.font, spell(argument), "variable", item.place, kind))


def undefined_losses(roles: Roles) -> None:
    """A scalar that only ever occurs differentiated, and is called δ = ∂L/∂y, is some function of y."""
    from lemmata.elaborate.facts import abstract_scalar

    heads = {k for k, _, _ in roles.heads} | {k for k, _, _ in roles.functions}
    for item in roles.items:
        expr = item.part.expr
        if not isinstance(expr, s.Relation) or expr.ops[0] not in ("=", ":=") or len(expr.items) != 2:
            continue
        for side, other in (expr.items, expr.items[::-1]):
            match side:
                case s.Derivative(numerator=s.Name() as loss, wrt=((wrt, 1),)) if isinstance(other, s.Name):
                    bound = roles.environment.find(stem(loss), loss.font, item.place)
                    elsewhere = bound is not None and bound.kind == "through" and not _encloses(bound, item)
                    if stem(loss) in heads or bound is not None and bound.kind != "variable" and not elsewhere:
                        continue
                    head = head_of(other, roles.letters, roles.environment, item.place)
                    if head is None or roles.environment.visible_before(head.key, head.font, item.place) is not None:
                        continue
                    base = (
                        replace(wrt, sub=None)
                        if isinstance(wrt, s.Name) and head.indices and wrt.sub is not None
                        else wrt
                    )
                    if bound is not None and bound.place.sentence == item.place.sentence and bound.type == SCALAR:
                        bound.kind, bound.through = "through", base  # “… for a scalar loss L” declares the same L
                    else:
                        abstract_scalar(roles, loss, base, item.place)


def _encloses(bound: Binding, item: Item) -> bool:
    """Whether what is bound is in force where the item stands."""
    return bound.place.scopes == item.place.scopes[: len(bound.place.scopes)]


def whole_families(roles: Roles) -> None:
    """A family of numbers that something is differentiated by is one vector or matrix, its members the components."""
    for item in roles.items:
        for node in walk(item.part.expr):
            if not isinstance(node, s.Derivative):
                continue
            for wrt, _ in node.wrt:
                bound = roles.environment.family(stem(wrt), item.place) if isinstance(wrt, s.Name) else None
                if bound is None or bound.kind != "definition" or bound.stepwise or bound.clauses:
                    continue
                letters = [spell(i) for i in bound.indices if isinstance(i, s.Name)]
                if len(set(letters)) == len(bound.indices):
                    bound.facts.add("whole")
                    said = [k for place, found in roles.ranges for k in found if place.sentence == bound.place.sentence]
                    bound.ranges = {k: v for k, v in bound.ranges.items() if k in said}


def apply_first_values(roles: Roles) -> None:
    """Attach m_0 = 0 and the like to their recurrences."""
    for key, number, value, place in roles.first_values:
        bindings = [b for b in roles.environment.all(key) if b.indices]
        if not bindings:
            continue
        nearest = min(bindings, key=lambda b: (b.place.scopes != place.scopes, abs(b.place.at - place.at)))
        for binding in bindings:
            if binding is nearest or binding.place.scopes == nearest.place.scopes and binding.stepwise:
                binding.clauses = (*binding.clauses, ((number,), value))
    for key in list(roles.environment.keys()):
        base, _, number_text = key.removesuffix(")").replace("^(", "_").rpartition("_")
        if number_text in ("0", "1"):
            _named_first_value(roles, base, key, s.Num(0, 0, Fraction(int(number_text))))


def _named_first_value(roles: Roles, base: str, key: str, number: s.Num) -> None:
    """m_0 given or declared as a symbol of its own is the first member of the recurrence m_t that has no other.

    One that leads back to m_{t-2} has two first members.
    """
    for binding in roles.environment.all(base):
        known = [p[0].value for p, _ in binding.clauses if p and isinstance(p[0], s.Num)]
        second = known == [0] and number.value == 1 and _looks_back_twice(binding)
        if binding.body is None or not binding.stepwise or known and not second:
            continue
        for first in roles.environment.all(key):
            if first.indices or first.only_in is not None or first.place.scopes != binding.place.scopes:
                continue
            if first.kind == "definition" and first.body is not None:
                binding.clauses = (*binding.clauses, ((number,), first.body))
                break
            if first.kind == "variable" and first.declared and number.value == 0:
                name = next((n for n in walk(binding.body) if isinstance(n, s.Name) and stem(n) == base), None)
                if name is not None:
                    binding.clauses = (*binding.clauses, ((number,), replace(name, sub=number)))
                    break


def _looks_back_twice(binding: Binding) -> bool:
    """Whether a recurrence over k leads to its member k - 2."""
    for node in walk(binding.body) if binding.body is not None else ():
        match node:
            case s.Name(sub=s.Infix(ops=("-",), items=(s.Name() as letter, s.Num(value=2)))) if stem(
                node
            ) == binding.key and spell(letter) == spell(binding.indices[0]):
                return True
    return False


def mutual_recurrences(roles: Roles) -> None:
    """o_t in terms of h_{t-1}, and h_t of o_t: families that lead back to their own earlier members are recurrences."""
    families = [
        b
        for key in roles.environment.keys()
        for b in roles.environment.all(key)
        if b.kind == "definition" and len(b.indices) == 1 and isinstance(b.indices[0], s.Name) and b.body is not None
    ]
    uses: dict[int, set[int]] = {}
    earlier: set[int] = set()
    for family in families:
        assert family.body is not None
        named = [(n, index_above(n) or n.sub) for n in walk(family.body) if isinstance(n, s.Name)]
        for other in families:
            of = [i for n, i in named if stem(n) == other.key and other.place.scopes == family.place.scopes]
            if any(spell(x) == spell(family.indices[0]) for x in of if x is not None):
                uses.setdefault(family.uid, set()).add(other.uid)
            if any(_step_before(x, family.indices[0]) for x in of if x is not None):
                uses.setdefault(family.uid, set()).add(other.uid)
                earlier.add(family.uid)
    for family in families:
        reached = _reached(uses, family.uid)
        if family.uid in reached and any(u in earlier and family.uid in _reached(uses, u) for u in reached):
            family.stepwise = True


def _step_before(index: s.Expr, letter: s.Expr) -> bool:
    """t - 1 beside t."""
    match index:
        case s.Infix(ops=("-",), items=(first, s.Num(value=value))):
            return spell(first) == spell(letter) and value == 1
    return False


def _reached(uses: dict[int, set[int]], start: int) -> set[int]:
    found: set[int] = set()
    pending = list(uses.get(start, ()))
    while pending:
        top = pending.pop()
        if top not in found:
            found.add(top)
            pending.extend(uses.get(top, ()))
    return found


def note_sizes(r: Reader, exprs: list[s.Expr]) -> None:
    """Names that bound sums, ranges or lists with dots are sizes."""
    for expr in exprs:
        for node in walk(expr):
            for group in (getattr(node, "items", ()), getattr(node, "arguments", ())):
                _note_last(r, group)
            if isinstance(node, s.Big) and node.upper is not None and isinstance(node.lower, s.Relation):
                _note_bound(r, node.upper)


def _note_bound(r: Reader, bound: s.Expr) -> None:
    """n, n - 1, 2n above a sum: n is a size, unless it is an index or has another meaning."""
    if not all(isinstance(x, s.Name | s.Num | s.Infix | s.Juxt) for x in walk(bound)):
        return
    names = [x for x in walk(bound) if isinstance(x, s.Name)]
    if not isinstance(bound, s.Name) and any(x.sub is not None or x.sup is not None for x in names):
        return
    conventions = r.shared.conventions
    keys = [(stem(x) + (f"_{spell(x.sub)}" if x.sub is not None else ""), x.font) for x in names[:1]]
    keys += [(stem(x), x.font) for x in names[1:] if not isinstance(bound, s.Name)]
    if any(k in conventions.index_letters or k in conventions.step_letters for k, _ in keys):
        return
    found = [b for k, _ in keys for b in r.shared.environment.all(k)]
    if all(_whole_number(b) for b in found):
        for binding in found:
            binding.kind = "size"
            binding.place = replace(binding.place, at=-1, scopes=binding.place.scopes[:1])
        declare_sizes(r, bound)


def _whole_number(binding: Binding) -> bool:
    """A size, or a declared number of ℕ."""
    domain = binding.domain
    number = binding.kind == "variable" and binding.type == SCALAR and domain.low is not None and domain.low >= 0
    return binding.kind == "size" or number and domain.high is None and domain.properties == {"integer"}


def _note_last(r: Reader, group: object) -> None:
    """head_1, …, head_h: h is a size."""
    if not isinstance(group, tuple) or len(group) < 3 or not isinstance(group[-2], s.Mark) or group[-2].name != "dots":
        return
    last = group[-1]
    if isinstance(last, s.Name) and isinstance(last.sub, s.Name) and last.sub.sub is None:
        declare_sizes(r, last.sub)
