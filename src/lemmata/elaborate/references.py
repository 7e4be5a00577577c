"""What a name with scripts refers to: a symbol, a component, a member of a family, a power, a transpose."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.guesses import guess_variable
from lemmata.elaborate.interleaved import interleaved, is_interleaved, literal_component
from lemmata.elaborate.names import Suffix, digits, length_key, member_spelling, script_items, spell, stem, suffix, walk
from lemmata.elaborate.patterns import index_value, match_pattern
from lemmata.elaborate.reader import Reader, known
from lemmata.elaborate.recurrences import INTEGRAL, step
from lemmata.elaborate.samples import sample_mean, with_law
from lemmata.elaborate.solver import Misfit, Unreadable, unknown

SPECIALS = {"e": "e", "\\pi": "pi"}
FIRST_STEP = -2
"""A family without a range starts early enough for steps like t − 1 at the first t."""


def name(r: Reader, expr: s.Name) -> t.Term:
    """A name with all its scripts, as a value."""
    found = _circle(r, expr) or _with_label(r, expr)
    if found is not None:
        return found
    base, indices, sup = _split(r, expr)
    if base is not None:
        value = base
    else:
        value, indices, sup = _base(r, expr)
    if indices:
        value = component(r, value, indices, expr)
    return apply_suffix(r, value, sup, expr)


def _candidates(expr: s.Name) -> list[tuple[str, s.Expr | None, s.Expr | None]]:
    """(key, subscript left over, superscript left over), the longest name first."""
    base = stem(expr)
    sub, sup = spell(expr.sub), spell(expr.sup)
    found: list[tuple[str, s.Expr | None, s.Expr | None]] = []
    if expr.sub is not None and expr.sup is not None:
        found.append((f"{base}_{sub}^{sup}", None, None))
    if expr.sub is not None:
        found.append((f"{base}_{sub}", None, expr.sup))
        listed = ",".join(map(spell, script_items(expr.sub)))
        if listed != sub:
            found.append((f"{base}_{listed}", None, expr.sup))  # W_{hy} is declared as W with the labels h and y
    if expr.sup is not None:
        found.append((f"{base}^{sup}", expr.sub, None))
    if expr.sub is not None:
        items = script_items(expr.sub)
        for cut in range(len(items) - 1, 0, -1):
            head = ",".join(spell(i) for i in items[:cut])
            rest = (
                items[cut]
                if cut == len(items) - 1
                else s.Listing(items[cut].start, items[-1].end, items[cut:], (",",) * (len(items) - cut - 1))
            )
            found.append((f"{base}_{head}", rest, expr.sup))
    return found


def _circle(r: Reader, expr: s.Name) -> t.Term | None:
    """The number π in 2π where the document calls something else π, too: a policy, a permutation."""
    if (r.place.at, expr.start) not in r.shared.conventions.circles or stem(expr) in r.locals:
        return None
    bound = r.shared.environment.find(stem(expr), expr.font, r.place)
    if bound is None:
        return None
    several = bound.kind == "family" or bool(bound.indices) or _rank(r, bound) > 0  # 2π is no vector, hardly ever
    labels = ("π as the number", "π as the document has it")
    taken = r.choice("circle", expr, 2, labels if several else labels[::-1])
    return t.Special(SCALAR, SPECIALS["\\pi"]) if (taken == 0) is several else None


def _with_label(r: Reader, expr: s.Name) -> t.Term | None:
    """The value where (part of) the scripts is part of the name: d_k, W_q, x^{(l)}, \\beta_1^t."""
    for key, sub, sup in _candidates(expr):
        local = r.locals.get(key)
        if local is None:
            binding = r.shared.environment.find(key, expr.font, r.place, indexed=sub is not None)
            if binding is None or binding.kind in ("function", "abstract"):
                continue
            if sub is not None and (binding.indices or binding.kind == "family"):
                items = script_items(sub)
                value, rest = member(r, binding, items, expr)
            else:
                value, rest = refer(r, binding), script_items(sub)
        else:
            value, rest = local, script_items(sub)
        if rest:
            value = component(r, value, rest, expr)
        return apply_suffix(r, value, sup, expr)
    return None


def _split(r: Reader, expr: s.Name) -> tuple[t.Term | None, tuple[s.Expr, ...], s.Expr | None]:
    """The value of the bare name (None if unbound), the subscripts that index it, and its superscript."""
    key = stem(expr)
    items = script_items(expr.sub)
    local = r.locals.get(key)
    if local is not None:
        return local, items, expr.sup
    binding = r.shared.environment.find(key, expr.font, r.place, indexed=bool(items))
    if binding is not None and binding.stepwise:
        binding = _iterates(r, binding)
    if (
        binding is not None
        and len(items) == 1
        and _is_label(items[0])
        and (not binding.indices and binding.kind != "family" or _is_word(items[0]))
    ):
        return None, items, expr.sup
    lower_rows = _rows_of_matrix(r, expr, items)
    if binding is not None and binding.kind not in ("function", "abstract"):
        if items and lower_rows is not None and not (binding.indices or binding.kind == "family"):
            if _rank(r, binding) < len(items) or _is_row(r, expr):
                return lower_rows, items, expr.sup
        if items and (binding.indices or binding.kind == "family"):
            value, rest = member(r, binding, items, expr)
            return value, rest, expr.sup
        return refer(r, binding), items, expr.sup
    if lower_rows is not None:
        return lower_rows, items, expr.sup
    if binding is not None and not items and r.shared.environment.is_link(binding, r.place):
        return _link(r, binding), items, expr.sup
    constant = _constant(r, expr, items)
    if constant is not None:
        return constant, (), expr.sup
    return None, items, expr.sup


def _link(r: Reader, binding: Binding) -> t.Term:
    """u in f(u, v) where u(a, b) = … is given too: the value of u at its own arguments."""
    from lemmata.elaborate.calls import call_function

    marker = ("link", binding.uid)
    if marker in r.shared.reading:
        raise Unreadable(_in_a_circle(r, marker))
    r.shared.reading[marker] = binding.latex
    try:
        arguments = tuple(r.at(binding.place, {}).term(p) for p in binding.params)
        value = call_function(r, binding, arguments, binding.latex)
    finally:
        r.shared.reading.pop(marker, None)
    return t.Defined(value.type, f"{binding.key}#{binding.uid}", binding.latex, value)


def _iterates(r: Reader, binding: Binding) -> Binding:
    """g_t = ∇f(θ_t) where the claim's own section gives the θ_t by another recurrence: the gradients at those."""
    home = r.shared.home
    if home is None:
        return binding
    here = r.shared.environment.find(binding.key, binding.font, home, indexed=True)
    if here is None or here is binding or not here.stepwise or here.place.at < binding.place.at:
        return binding
    if here.place.at > home.at or len(here.place.scopes) <= len(binding.place.scopes):
        return binding
    labels = (f"{binding.latex} of this section", f"{binding.latex} as first given")
    return binding if r.shared.choices.pick(f"iterates {binding.key}", 2, labels) else here


def _is_label(item: s.Expr) -> bool:
    """x_A, x_{\\text{new}}: another symbol than x, not a component of it."""
    return isinstance(item, s.Name) and item.sub is None and (item.word or len(item.base) == 1 and item.base.isupper())


def _is_word(item: s.Expr) -> bool:
    """η_{\\min}, x_{\\text{new}}: a word is never an index."""
    return isinstance(item, s.Name) and item.word and len(item.base.lstrip("\\")) > 1


def _is_row(r: Reader, expr: s.Name) -> bool:
    """q_i where both a vector q and a matrix Q are there: bold it is row i of Q, plain component i of q."""
    options = ("a component of the vector", "a row of the matrix of the same letter")
    if expr.font == "bold":
        options = options[::-1]
    labels = tuple(f"{spell(expr)} read as {x}" for x in options)
    return (expr.font == "bold") != bool(r.choice("row", expr, 2, labels))


def _rank(r: Reader, binding: Binding) -> int:
    if binding.type is not None and binding.kind == "variable":
        return binding.type.rank
    try:
        return refer(r, binding).type.rank
    except Unreadable:
        return 9


def _rows_of_matrix(r: Reader, expr: s.Name, items: tuple[s.Expr, ...]) -> t.Term | None:
    """x_i is row i, and a_{ij} the entry, of the declared matrix of the same letter in upper case."""
    letter = expr.base
    if not items or len(letter) != 1 or not letter.islower():
        return None
    upper = replace(expr, base=letter.upper(), sub=None, sup=None)
    binding = r.shared.environment.find(stem(upper), expr.font, r.place)
    if binding is None or binding.kind not in ("variable", "definition", "term") or binding.indices:
        return None
    value = refer(r, binding)
    return value if value.type.rank == 2 else None


def _base(r: Reader, expr: s.Name) -> tuple[t.Term, tuple[s.Expr, ...], s.Expr | None]:
    """A name that nothing binds, with the scripts left over: a free index, a conventional name, or a guess."""
    key = stem(expr)
    items = script_items(expr.sub)
    if not items and (key in r.free or expr.sup is None and key in r.shared.conventions.index_letters):
        return r.free.get(key) or free_index(r, key), (), expr.sup
    found = conventional(r, expr)
    if found is not None:
        return found
    mean = sample_mean(r, expr)
    if mean is not None:
        return mean, items, expr.sup
    conjugated = _conjugate(r, expr)
    if conjugated is not None:
        return conjugated, (), expr.sup
    return guess_variable(r, expr)


def _conjugate(r: Reader, expr: s.Name) -> t.Term | None:
    """\\bar z is the conjugate of a complex z."""
    if not expr.accents or expr.accents[0] not in ("bar", "overline"):
        return None
    inner = replace(expr, accents=expr.accents[1:], sup=None)
    if inner.sub is None and not r.shared.environment.all(stem(inner)) and stem(inner) not in r.locals:
        return None
    value = r.term(inner)
    return t.Op(value.type, "conj", (value,)) if value.type.dtype == "complex" else None


def conventional(r: Reader, expr: s.Name) -> tuple[t.Term, tuple[s.Expr, ...], s.Expr | None] | None:
    """J_f is the Jacobian of f; dX is ∂L/∂X where the document calls ∂L/∂O dO; \\dot X the derivative in t."""
    rule = implied(r.shared.environment, expr, r.place)
    if rule is None:
        return None
    return r.term(rule), script_items(expr.sub) if expr.base[0] == "d" else (), expr.sup


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


def _constant(r: Reader, expr: s.Name, items: tuple[s.Expr, ...]) -> t.Term | None:
    key = stem(expr)
    if key in SPECIALS and not items:
        return t.Special(SCALAR, SPECIALS[key])
    if expr.base == "i" and expr.font == "roman" and not items:
        return t.Special(Tensor(dtype="complex"), "i")
    if key == "\\delta" and len(items) == 2:
        equal = a.compare(r.solver, "=", r.term(items[0]), r.term(items[1]))
        return t.Op(SCALAR, "indicator", (equal,))
    if expr.base in ("1", "0") and not expr.accents:
        size = r.size(items[0]) if items else unknown("n")
        declared = r.shared.environment.find(length_key(expr), expr.font, r.place) if not items else None
        if declared is not None and declared.type is not None and declared.type.rank == 1:
            r.shared.usual.append((size, declared.type.shape[0]))
        return t.Op(Tensor((size,)), "fill", (), (("value", Fraction(expr.base)),))
    return None


def identity(r: Reader, expr: s.Name) -> t.Term:
    items = script_items(expr.sub)
    size = r.size(items[0]) if len(items) == 1 else unknown("n")
    return t.Op(Tensor((size, size)), "identity", ())


def is_identity(r: Reader, expr: s.Name) -> bool:
    """I, I_n, \\mathbf I: the identity unless the document binds the letter."""
    bound = any(b.kind not in ("function", "abstract") for b in r.shared.environment.all("I"))
    return stem(expr) == "I" and not bound and "I" not in r.locals


def is_defined(r: Reader, name: s.Name) -> bool:
    """Whether a word is a function here: the document's own or the catalogue's."""
    from lemmata.elaborate.functions import is_operator

    return bool(r.shared.environment.all(stem(name))) or is_operator(r, name)


def free_index(r: Reader, letter: str) -> t.Term:
    """An index that nothing binds: it runs over whatever axis it is used on, or counts steps."""
    found = r.free.get(letter)
    if found is None:
        if letter in r.shared.conventions.step_letters:
            r.shared.steps.setdefault(letter, Size.of(1))
            found = t.SizeNum(INTEGRAL, Size.of(letter))
        else:
            found = r.index_var(letter)
        r.free[letter] = found
    return found


def refer(r: Reader, binding: Binding) -> t.Term:
    """The value of a binding without indices."""
    from lemmata.elaborate import families

    if binding.key in r.shared.fixed:
        return r.shared.fixed[binding.key]
    if not binding.declared and binding.kind != "size":
        r.shared.doubtful = True
    if binding.literal and binding.place.scopes != r.place.scopes[: len(binding.place.scopes)]:
        r.shared.borrowed.append(binding.latex)
    if binding.only_in is not None and binding.only_in != r.place.sentence:
        raise Unreadable(f"{binding.latex} is given only under a condition")
    match binding.kind:
        case "size" if (
            not binding.declared and (wide := r.locals.get(binding.key[-1].upper())) is not None and wide.type.rank == 2
        ):
            return t.SizeNum(INTEGRAL, r.solver.size(wide.type.shape[1]))
        case "size":
            if not binding.declared:
                r.shared.loose.add(binding.key)
            return t.SizeNum(INTEGRAL, r.solver.size(Size.of(binding.key)))
        case "variable" if binding.font != "bold" and r.shared.environment.from_elsewhere(binding, r.place):
            r.shared.borrowed.append(binding.latex)
    match binding.kind:
        case "variable" if binding.uid in r.shared.assigned:
            return _assigned(r, binding)
        case "variable":
            from lemmata.elaborate.parts import declared

            return declared(r, with_law(r, binding))
        case "term" if binding.term is not None:
            return t.Defined(binding.term.type, f"{binding.key}#{binding.uid}", binding.latex, binding.term)
        case "spectrum":
            from lemmata.elaborate import spectra

            return spectra.value(r, binding)
        case "curve":
            from lemmata.elaborate.curves import value

            return value(r, binding)
        case "through" if binding.through is not None:
            settled = r.shared.through.get(binding.uid)
            place = binding.place if settled is None else r.shared.home or r.place
            inner = r.at(place, {}).term(settled or binding.through)
            opaque = t.Op(SCALAR, "opaque", (inner,), (("name", f"{binding.key}#{binding.uid}"),))
            return t.Defined(SCALAR, f"{binding.key}#{binding.uid}", binding.latex, opaque)
        case "untyped":
            raise Unreadable(f"{binding.latex} is not declared")
        case "definition" if not binding.indices:
            return definition(r, binding)
        case "definition" | "family":
            return families.whole(r, binding) or _any_step(r, binding) or stacked(r, binding)
    raise Unreadable(f"{binding.latex} is a function, not a value")


def _assigned(r: Reader, binding: Binding) -> t.Term:
    """A declared symbol that an assumption in force gives in other symbols: Suppose Q = X W_Q."""
    cached = r.shared.values.get(binding.uid)
    if cached is not None:
        return cached
    if binding.uid in r.shared.reading:
        raise Unreadable(f"{binding.latex} is given by itself")
    r.shared.reading[binding.uid] = binding.latex
    try:
        body = r.at(r.shared.home or binding.place, {}).term(r.shared.assigned[binding.uid])
    finally:
        r.shared.reading.pop(binding.uid, None)
    if binding.type is not None:
        a.unify_shapes(r.solver, binding.type, body.type, f"{binding.latex} was declared with another shape")
    value = t.Defined(body.type, f"{binding.key}#{binding.uid}", binding.latex, body)
    r.shared.values[binding.uid] = value
    return value


def law(r: Reader, binding: Binding) -> t.Law | None:
    """The law of a random symbol with its moments as terms; its sizes stay small, since all outcomes are summed."""
    text = binding.law
    if text is None:
        return None
    reader = r.at(binding.place, {})
    mean, variance, covariance = (
        None if x is None else reader.term(x) for x in (text.mean, text.variance, text.covariance)
    )
    assert binding.type is not None
    home = r.shared.home or r.place
    if binding.place.at >= 0 and binding.place.scopes != home.scopes[: len(binding.place.scopes)]:
        r.shared.borrowed.append(binding.latex)  # the law of another section
    if binding.kind == "variable":
        for size in binding.type.shape:
            rule = (size, "\\le", Size.of(3))
            if rule not in r.shared.order:
                r.shared.order.append(rule)
    for _, count in binding.ranges.values() if binding.kind == "family" else ():
        rule = (count, "\\le", Size.of(3))
        if rule not in r.shared.order:
            r.shared.order.append(rule)
    components = text.components or binding.kind == "family" or text.covariance is None and text.variance is not None
    here = r.shared.home is not None and r.shared.home.sentence == text.independent_in >= 0
    independent = text.independent or here
    return t.Law(mean, variance, covariance, text.normal, components, independent, text.identical, text.form)


def definition(r: Reader, binding: Binding) -> t.Term:
    """The value of a defined symbol, read once at its own place."""
    cached = r.shared.values.get(binding.uid)
    if cached is not None:
        return cached
    if binding.uid in r.shared.reading:
        raise Unreadable(_in_a_circle(r, binding.uid))
    assert binding.body is not None
    r.shared.reading[binding.uid] = binding.latex
    try:
        body = r.at(binding.place, {}).term(binding.body)
    finally:
        r.shared.reading.pop(binding.uid, None)
    if binding.type is not None and binding.type.rank == body.type.rank:
        a.unify_shapes(r.solver, binding.type, body.type, f"{binding.latex} was declared with another shape")
    value = t.Defined(body.type, f"{binding.key}#{binding.uid}", binding.latex, body)
    r.shared.values[binding.uid] = value
    return value


def _in_a_circle(r: Reader, key: object) -> str:
    """What is said of a definition that is met while it is read, and by way of which others."""
    first, *way = list(r.shared.reading.values())[list(r.shared.reading).index(key) :]
    others = list(dict.fromkeys(x for x in way if x and x != first))
    return f"{first} is defined by itself" + (f", through {' and '.join(others)}" if others else "")


def _any_step(r: Reader, binding: Binding) -> t.Term | None:
    """θ beside θ_t, t being a step without an end: any vector like the members, as the argument of f(θ)."""
    if binding.type is None or not binding.indices or len(binding.indices) > 1:
        return None
    (index,) = binding.indices
    if spell(index) in binding.ranges or not any(spell(n) in r.shared.conventions.step_letters for n in walk(index)):
        return None
    slot = f"any {binding.key}"
    known = r.shared.guessed.get(slot)
    if known is None:
        known = t.Variable(f"{binding.key}?any", binding.key, replace(binding.type), declared=False)
        r.shared.guessed[slot] = known
    return t.Input(known.type, known)


def stacked(r: Reader, binding: Binding) -> t.Term:
    """A whole family: its members as rows (or its numbers as a vector) over the known range."""
    from lemmata.elaborate import families

    variables: dict[str, t.Var] = {}
    items: list[s.Expr] = []
    for index in binding.indices:
        letter = spell(index)
        start, count = binding.ranges.get(letter, (None, None))
        if count is None and binding.kind == "family":
            count = members(r, binding, letter)
        variables[letter] = r.index_var(letter, start, count)
        items.append(index)
    value, _ = member(r.bind(variables), binding, tuple(items), None)
    chosen = tuple(v.var for v in variables.values())
    for var in chosen:
        families.bound_by_use(r, value, var)
    shape = tuple(v.count for v in chosen) + value.type.shape
    return t.Build(Tensor(shape, dtype=value.type.dtype), chosen, value)


def member(
    r: Reader, binding: Binding, items: tuple[s.Expr, ...], expr: s.Name | None
) -> tuple[t.Term, tuple[s.Expr, ...]]:
    """A member of a family at the given subscripts, and the subscripts left over for its components."""
    heads = binding.indices
    if binding.kind == "untyped":
        raise Unreadable(f"{binding.latex} is not declared")
    if len(items) < len(heads):
        split = digits(items[0]) if len(items) == 1 else None
        if split is not None and len(split) == len(heads):
            items = split
        elif len(items) == len(heads) - 1 and is_interleaved(binding):
            return interleaved(r, binding, items)[0], ()
        else:
            raise Unreadable(f"{binding.latex} needs {len(heads)} indices")
    used, rest = items[: len(heads)], items[len(heads) :]
    if binding.key in r.shared.fixed:
        return r.shared.fixed[binding.key], rest
    if not binding.declared:
        r.shared.doubtful = True
    if binding.kind == "family":
        return _declared_member(r, binding, used), rest
    return _defined_member(r, binding, used), rest


def _declared_member(r: Reader, binding: Binding, items: tuple[s.Expr, ...]) -> t.Term:
    """x_i of a declared family: an input with one leading axis per index."""
    binding = with_law(r, binding)
    assert binding.type is not None
    leading: list[Size] = []
    origins: list[int] = []
    for index in binding.indices:
        start, count = binding.ranges.get(spell(index), (None, None))
        leading.append(count if count is not None else members(r, binding, spell(index)))
        number = start.number if start is not None else Fraction(1)
        origins.append(int(number) if number is not None else 1)
        if count is None and any(spell(n) in r.shared.conventions.step_letters for n in walk(index)):
            origins[-1] = FIRST_STEP
    whole = replace(binding.type, shape=tuple(leading) + binding.type.shape, row=False)
    variable = t.Variable(
        f"{binding.key}#{binding.uid}",
        binding.latex,
        whole,
        binding.domain,
        binding.declared,
        "described" in binding.facts,
        len(leading),
        law(r, binding),
    )
    indices = [index_value(r, i) for i in items]
    full: list[t.Term | None] = [*indices, *([None] * binding.type.rank)]
    for position, place in enumerate(indices):
        if origins[position] == FIRST_STEP:
            continue
        origins[position] = match_range(r, place, leading[position], origins[position], spell(items[position]))
    firsts = (*origins, *([1] * binding.type.rank))
    label = member_spelling(binding.latex, binding.indices, items)
    return t.Item(replace(binding.type), t.Input(whole, variable), tuple(full), firsts, member=t.Told(label))


def members(r: Reader, binding: Binding, letter: str) -> Size:
    """How many members a family has whose range is not given: found out from its use, or enough."""
    return r.shared.solver.size(Size.of(f"?members {binding.key} {letter}"))


def _defined_member(r: Reader, binding: Binding, items: tuple[s.Expr, ...]) -> t.Term:
    """The body of an indexed definition at these indices; recurrences stay folded."""
    from lemmata.elaborate import families

    values = [index_value(r, i) for i in items]
    if binding.stepwise:
        label = member_spelling(binding.latex, binding.indices, items)
        return step(r, binding, values, label)
    found = families.component_of_whole(r, binding, values, items) if len(values) == len(binding.indices) else None
    if found is not None:
        return found
    for pattern, body in (*binding.clauses, (binding.indices, binding.body)):
        if body is None or len(pattern) != len(values):
            continue
        bound = match_pattern(r, pattern, values, items)
        if bound is not None:
            sub = r.at(binding.place, bound)
            sub.free = {k: v for k, v in r.free.items() if k not in bound}
            if binding.uid in r.shared.reading and r.depth > 20:
                raise Unreadable(_in_a_circle(r, binding.uid))
            r.shared.reading[binding.uid] = binding.latex
            try:
                result = sub.term(body)
            finally:
                r.shared.reading.pop(binding.uid, None)
            key = f"{binding.key}#{binding.uid}[{','.join(spell(i) for i in items)}@{id(values[0]) if values else 0}]"
            label = member_spelling(binding.latex, binding.indices, items)
            return t.Defined(result.type, key, binding.latex, result, t.Told(label))
    single = literal_component(r, binding, items)
    if single is not None:
        return single
    raise Unreadable(f"{binding.latex} is not defined at {', '.join(spell(i) for i in items)}")


def match_range(r: Reader, index: t.Term, size: Size, origin: int, text: str) -> int:
    """Relate an index to the axis it runs over; the axis' first index as the author counts.

    Raises Misfit where the index runs over another number of elements than the axis has.
    """
    if not isinstance(index, t.Var):
        return origin
    variable = index.var
    count, size = r.solver.size(variable.count), r.solver.size(size)
    start = r.solver.size(variable.start).number
    if count == size:
        return int(start) if start is not None else origin
    if not known(count) or not known(size):
        r.solver.unify(count, size)
        return int(start) if start is not None and not known(count) else origin
    rules = {(str(x), op, str(y)) for x, op, y in r.shared.order}
    if (
        (str(count), "\\le", str(size)) in rules
        or (str(count), "<", str(size)) in rules
        or (size - count).number is not None
        or ((size - count).never_negative and not count.number and count.atoms & size.atoms)
    ):
        return origin  # a part of the axis
    raise Misfit(f"the index {text} runs over {count} values on an axis of {size}", (count,), (size,))


def _row_and_column(r: Reader, item: s.Expr, expr: s.Expr) -> tuple[s.Expr, ...] | None:
    """The indices of A_{2j}, an entry of the second row; row 2j as the second reading."""
    match item:
        case s.Juxt(items=(s.Num(value=value), s.Name())) if value.denominator == 1 and value < 10:
            labels = (f"{spell(expr)} read as an entry of row {value}", f"{spell(expr)} read as a row")
            return item.items if r.choice("entry", expr, 2, labels) == 0 else None
    return None


def component(r: Reader, value: t.Term, items: tuple[s.Expr, ...], expr: s.Expr) -> t.Term:
    """Elements of a tensor: x_i, W_{ij}, row W_i or W_{i:}, column W_{:j}; a trailing full slice may be left out."""
    rank = value.type.rank
    if rank == 0:
        raise Unreadable(f"{spell(expr)}: a number has no components")
    if len(items) == 1 and rank == 2:
        split = digits(items[0]) or _row_and_column(r, items[0], expr)
        if split is not None:
            items = split
    if len(items) > rank:
        raise Unreadable(f"{spell(expr)} has more indices than the value has axes")
    indices: list[t.Term | None] = []
    origins: list[int] = []
    default = 0 if r.shared.conventions.zero_based else 1
    for position in range(rank):
        item = items[position] if position < len(items) else None
        if item is None or (isinstance(item, s.Mark) and item.name in (":", "cdot", "\\cdot")):
            indices.append(None)
            origins.append(default)
            continue
        index = index_value(r, item)
        indices.append(index)
        origin = 0 if _counts_from_zero(index) else default
        origins.append(match_range(r, index, value.type.shape[position], origin, spell(item)))
    left = tuple(size for size, index in zip(value.type.shape, indices, strict=True) if index is None)
    beyond = r.place.sentence in r.shared.conventions.zero_outside
    return t.Item(Tensor(left, dtype=value.type.dtype), value, tuple(indices), tuple(origins), beyond)


def _counts_from_zero(index: t.Term) -> bool:
    """Whether the index is a symbol declared to be one of 0, 1, …, as a token t_i ∈ {0, …, V − 1} is."""
    base = index.base if isinstance(index, t.Item) else index
    if not isinstance(base, t.Input):
        return False
    domain = base.variable.domain
    return "binary" in domain.properties or "finite" in domain.properties and domain.low == 0


def apply_suffix(r: Reader, value: t.Term, sup: s.Expr | None, expr: s.Expr) -> t.Term:
    """A superscript that is not part of the name."""
    kind = suffix(sup, r.shared.conventions.transpose_letter)
    return value if kind is None else suffixed(r, value, kind, expr)


def raised(r: Reader, base: t.Term, exponent: t.Term, expr: s.Expr) -> t.Term:
    """base^exponent; e to a square matrix is the matrix exponential, elementwise as the second reading."""
    if (
        isinstance(base, t.Special)
        and base.name == "e"
        and exponent.type.rank == 2
        and r.solver.equal(*exponent.type.shape)
    ):
        if not r.choice("exp", expr, 2, ("e^· read as the matrix exponential", "e^· read elementwise")):
            return t.Op(exponent.type, "matrix_exp", (exponent,))
    return a.power(r.solver, base, exponent)


def suffixed(r: Reader, value: t.Term, kind: Suffix, expr: s.Expr) -> t.Term:
    match kind.kind:
        case "transpose":
            return a.transpose(value)
        case "inverse":
            return a.inverse(r.solver, value)
        case "inverse transpose":
            return a.transpose(a.inverse(r.solver, value))
        case "power" if kind.exponent is not None:
            return raised(r, value, r.term(kind.exponent), expr)
    raise Unreadable(f"the superscript of {spell(expr)} is not bound")
