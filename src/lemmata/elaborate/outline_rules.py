"""What an expression is taken for where the document leaves something in it open. One rule for each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import BOOL, SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import calls
from lemmata.elaborate import surface as s
from lemmata.elaborate.functions import is_operator
from lemmata.elaborate.guesses import guess_type
from lemmata.elaborate.names import Suffix, script_items, spell, stem, suffix
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.references import component, suffixed
from lemmata.elaborate.solver import Misfit, Unreadable, unknown
from lemmata.elaborate.sums import REDUCTIONS

DEEP = 2
"""Definitions inside definitions that are looked into."""
TRANSPOSED = Suffix("transpose")
UNIONS = frozenset({"\\cup", "\\cap", "\\setminus"})
PLACES = frozenset({"\\cdot", "cdot", "blank"})


class Unknowns(Struct):
    """What is supposed in one attempt: of functions, where their values lie; of symbols, their kind."""

    codomain: str
    """What a function nobody defines gives: a `number`, something like its `argument`, a `vector`."""
    called: frozenset[str]
    """Names that the document calls."""
    view: str = ""
    """A view of letters that nobody declares: `members`, `capitals`, `numbers`; see `outline.ATTEMPTS`."""
    usage: Mapping[str, frozenset[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    functions_used: bool = False
    given_up: set[int] = field(default_factory=set)
    """Names, by their place in the notation, whose value could not be read."""

    def note(self, text: str, kind: Tensor) -> None:
        self.found.append(f"{text} : {('number', 'vector', 'matrix', 'array')[min(kind.rank, 3)]}")

    def symbol(self, r: Reader, key: str, kind: Tensor) -> t.Term:
        known = r.shared.guessed.get(f"open {key}")
        if known is None:
            known = t.Variable(f"open {key}", key, kind, declared=False)
            r.shared.guessed[f"open {key}"] = known
            self.note(key, kind)
        return t.Input(known.type, known)

    def kind(self, r: Reader, expr: s.Name) -> Tensor:
        """The kind that a letter shows: bold, case, use; of a component or member what is left of it."""
        if expr.word and len(expr.base) > 1:
            return SCALAR if expr.font != "bold" else Tensor((unknown(expr.base),))
        bare = replace(expr, sub=None, sup=None, primes=0)
        items = script_items(expr.sub)
        indices = len(items) if all(_counts(i, len(items)) for i in items) else 0
        one = len(expr.base) == 1 or expr.base.startswith("\\")
        lower = expr.base.islower() and one
        binding = r.shared.environment.find(stem(bare), bare.font, r.place)
        if binding is not None and lower and binding.font != bare.font:
            binding = None
        if binding is not None and binding.type is not None and binding.kind in ("variable", "family"):
            kind = binding.type
            indices = max(indices - len(binding.indices), 0)
            if expr.font == "bold" and kind.rank == 1:
                return kind
        elif expr.font == "bold" and lower:
            return Tensor((unknown(expr.base),))
        elif expr.font != "bold" and (self.view == "numbers" or lower and indices):
            return SCALAR
        elif self.view == "capitals" and one and expr.base.isupper():
            kind = Tensor((unknown(expr.base), unknown(expr.base)))
        else:
            kind = guess_type(r, bare)
            if kind.rank == 2 and len(items) == 1 and isinstance(items[0], s.Num):
                return kind
        return replace(kind, shape=kind.shape[indices:])

    def opens(self, r: Reader, expr: s.Expr) -> bool:
        """Whether what is left open is plain: h(x + ε) of an h that is called and not defined, inside a definition."""
        if isinstance(expr, s.Name):
            if id(expr) in self.given_up or r.depth > 0 and self.defined(r, expr):
                return True
            return self.viewed(expr) and undeclared(r, expr)
        if not isinstance(expr, s.Juxt):
            return False
        pairs = zip(expr.items, expr.items[1:], strict=False)
        groups = [(x, calls.group_of(y)[0]) for x, y in pairs if isinstance(x, s.Name)]
        return any(g is not None and (self.is_open(r, x) or self.is_applied(r, x, g)) for x, g in groups)

    def is_applied(self, r: Reader, name: s.Name, group: s.Paren) -> bool:
        """f(x_i; W), P(X ≥ ε): several arguments, or an event, are no factor, whatever else the letter stands for."""
        if not group.items:
            return False
        several = group.open == "(" and (len(group.items) > 1 or isinstance(group.items[0], s.Relation))
        return several and calls.function_binding(r, replace(name, primes=0), len(group.items)) is None

    def union(self, r: Reader, expr: s.Infix) -> t.Term | None:
        """A ∪ B: a set of sets' members; letters in it are sets."""
        values = []
        for item in expr.items:
            if isinstance(item, s.Name):
                self.found.append(f"{spell(item)} : set")
            else:
                values.append(r.term(item))
        return t.Op(SCALAR, f"open {expr.ops[0]}", tuple(values))

    def viewed(self, name: s.Name) -> bool:
        """Whether a letter that nobody declares is of another kind in this attempt than by convention."""
        bold = name.font == "bold"
        match self.view:
            case "members":
                return bold and name.sub is not None and name.base.islower()
            case "capitals":
                return not bold and len(name.base) == 1 and name.base.isupper()
            case "numbers":
                return not bold and len(name.base) == 1 and name.base.isalpha()
        return False

    def defined(self, r: Reader, name: s.Name) -> bool:
        key = stem(name)
        if key in r.locals or spell(name) in r.locals:
            return False
        return any(b.kind == "definition" and b.type is None for b in r.shared.environment.all(key))

    def is_open(self, r: Reader, name: s.Name) -> bool:
        bare = replace(name, primes=0)
        key = stem(bare)
        if key not in self.called or key in r.locals or is_operator(r, bare):
            return False
        if r.depth > DEEP:
            return True
        return calls.function_binding(r, bare) is None and not calls.is_value(r, bare)

    def value_at(self, r: Reader, name: s.Name, group: s.Paren) -> t.Term:
        """g(x) of a function g that nobody defines: some value of the kind that functions are supposed to have."""
        self.functions_used = True
        arguments = tuple(x for i in group.items for x in self.argument(r, i))
        kind = suffix(name.sup, r.shared.conventions.transpose_letter)
        own = kind is not None and kind.kind in ("label", "star", "inverse")
        key = spell(replace(name, primes=0, sup=name.sup if own else None))
        result = self.result(name, arguments)
        self.note(key + "(" + ",".join("·" for _ in arguments) + ")", result)
        separators = "".join(group.separators)
        value: t.Term = t.Op(result, "opaque", arguments, (("name", f"open {key}{separators}"),))
        for _ in range(name.primes):
            if len(arguments) != 1:
                raise Unreadable(f"the derivative of {key}, a function of several arguments")
            shape = arguments[0].type if result.rank == 0 else result
            value = t.Deriv(shape, value, arguments[0])
        return value if kind is None or own else suffixed(r, value, kind, name)

    def argument(self, r: Reader, expr: s.Expr) -> tuple[t.Term, ...]:
        """An argument; a place holder stands for anything, dots for more of the same."""
        if isinstance(expr, s.Mark) and expr.name == "dots":
            return ()
        if isinstance(expr, s.Mark) and expr.name in PLACES:
            return (self.symbol(r, "·", SCALAR),)
        return (r.term(expr),)

    def result(self, name: s.Name, arguments: tuple[t.Term, ...]) -> Tensor:
        if name.font == "bold":
            sizes = 2 if name.base.isupper() and len(name.base) == 1 else 1
            return Tensor(tuple(unknown(name.base) for _ in range(sizes)))
        if name.base[:1].isupper():
            return SCALAR
        if self.codomain == "vector":
            return Tensor((unknown(name.base),))
        if self.codomain == "argument" and arguments:
            return max((x.type for x in arguments), key=lambda x: x.rank)
        return SCALAR


def _counts(expr: s.Expr, scripts: int) -> bool:
    """Whether a script may be an index: i, 2, t - 1; a word is a label, and so is a capital letter alone."""
    if isinstance(expr, s.Name):
        return not expr.word and (scripts > 1 or not expr.base.isupper())
    return isinstance(expr, s.Num | s.Infix)


def undeclared(r: Reader, name: s.Name) -> bool:
    """Whether nothing says what a letter is: neither the document nor a convention about e, i, I or T."""
    key = stem(name)
    if key in r.locals or key in r.free or key in r.shared.conventions.index_letters or name.base in "eiIT01":
        return False
    return not r.shared.environment.all(key)


Rule = Callable[[Unknowns, Reader, s.Expr], t.Term | None]


def _name(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """x^*, x_A, β^{(t)}, a word: a symbol of its own."""
    assert isinstance(expr, s.Name)
    if not (expr.base.isalnum() or expr.base.startswith("\\") or expr.word):
        return None
    kind = suffix(expr.sup, r.shared.conventions.transpose_letter)
    label = kind is None or kind.kind in ("label", "star")
    own = expr if label else replace(expr, sup=None)
    value = u.symbol(r, f"{'bold ' if expr.font == 'bold' else ''}{spell(own)}", u.kind(r, own))
    return value if kind is None or label else suffixed(r, value, kind, expr)


def _juxt(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """Factors side by side, with values of functions that nobody defines; dots among them stand for more factors."""
    assert isinstance(expr, s.Juxt)
    factors: list[t.Term] = []
    position = 0
    items = tuple(i for i in expr.items if not (isinstance(i, s.Mark) and i.name == "dots"))
    changed = len(items) < len(expr.items)
    while position < len(items):
        item = items[position]
        group, scripts = calls.group_of(items[position + 1]) if position + 1 < len(items) else (None, None)
        if isinstance(item, s.Name) and group is not None:
            found = _applied(u, r, item, group)
            if found is not None:
                changed = True
                if scripts is not None and found.type.rank == 0 and suffix(scripts.sup, True) == TRANSPOSED:
                    raise Misfit(f"{spell(item)} gives a number, which is transposed")
                factors.append(calls.scripted(r, found, scripts, items[position + 1]))
                position += 2
                continue
        value, position = calls.factor(r, items, position)
        factors.append(value)
    if not changed or not factors:
        return None
    return calls.product(r, factors, expr)


def _applied(u: Unknowns, r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    if u.is_open(r, name) or u.is_applied(r, name, group) and not is_operator(r, replace(name, primes=0)):
        known = None if r.depth > DEEP else _law(r, name, group)
        return known or u.value_at(r, name, group)
    function = calls.function_binding(r, replace(name, primes=0)) is not None
    if not function and calls.is_value(r, name) and len(group.items) < 2 and not group.separators:
        return None
    try:
        return calls.application(r, name, group)
    except Misfit:
        raise
    except Unreadable:
        if group.open not in "([" or not group.items:
            return None
        return u.value_at(r, name, group)


def _law(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """p(x, z) of a law that is known by its letter."""
    try:
        return calls.application(r, name, group)
    except Unreadable:
        return None


def _call(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """A word before its operands: some function."""
    assert isinstance(expr, s.Call)
    if is_operator(r, replace(expr.function, primes=0)) or not expr.arguments:
        return None
    return u.value_at(r, expr.function, s.Paren(expr.start, expr.end, "(", ")", expr.arguments, expr.separators))


def _infix(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """a_1 + … + a_n: the terms shown; other operations on two values of one kind give that kind."""
    assert isinstance(expr, s.Infix)
    if set(expr.ops) <= UNIONS:
        return u.union(r, expr)
    shown = [i for i in expr.items if not (isinstance(i, s.Mark) and i.name == "dots")]
    values = [r.term(i) for i in shown]
    if not values:
        return None
    if len(shown) < len(expr.items):
        if set(expr.ops) <= {"+", "-"}:
            total = values[0]
            for value in values[1:]:
                total = a.add(r.solver, "+", total, value)
            return total
        return calls.product(r, values, expr)
    if set(expr.ops) <= {"\\circ", "\\oplus", "\\ast", "*", "\\star", "\\pm", "\\|", "||"}:
        ranks = {v.type.rank for v in values}
        return t.Op(values[0].type, expr.ops[0], tuple(values)) if len(ranks) == 1 else None
    return None


def _big(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """A sum, product, maximum, integral or limit over a range or set that is not given in full."""
    assert isinstance(expr, s.Big)
    op = REDUCTIONS.get(expr.op, {"\\int": "integral", "\\lim": "limit"}.get(expr.op))
    if op is None:
        return None
    bound: dict[str, t.Term] = {}
    for name in _running(expr.lower):
        key = stem(name) + (f"_{spell(name.sub)}" if name.sub is not None else "")
        counts = name.font != "bold" and stem(name) in r.shared.conventions.index_letters
        if op in ("sum", "prod") and counts:
            bound[key] = r.index_var(key)
        else:
            variable = t.Variable(f"{key} under {expr.op}", key, u.kind(r, name), declared=False)
            bound[key] = t.Input(variable.type, variable)
    if isinstance(expr.differential, s.Name):
        variable = t.Variable(
            f"{stem(expr.differential)} under ∫", stem(expr.differential), u.kind(r, expr.differential)
        )
        bound[stem(expr.differential)] = t.Input(variable.type, variable)
    body = r.bind(bound).term(expr.body)
    kind = body.type
    if op in ("argmax", "argmin"):
        kind = next(iter(bound.values())).type if bound else SCALAR
    return t.Op(kind, f"open {op}", (*bound.values(), body))


def _running(lower: s.Expr | None) -> list[s.Name]:
    match lower:
        case s.Choice(options=options):
            return _running(options[0])
        case s.Name():
            return [replace(lower, sup=None)]
        case s.Listing(items=items) | s.Juxt(items=items):
            return [n for i in items for n in _running(i)]
        case s.Relation(items=items, ops=ops) if set(ops) <= {"=", "\\in", "\\sim", "\\to", ":", "\\le", "<", "\\ne"}:
            return _running(items[0])
    return []


def _derivative(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """∇f, ∇f(x) of a function that nobody defines; a derivative by something that has a value."""
    assert isinstance(expr, s.Derivative)
    if expr.numerator is None:
        return None
    if not expr.wrt:
        return _gradient(u, r, expr)
    value = r.term(expr.numerator)
    shape = value.type.shape
    for variable, times in expr.wrt:
        point = r.term(variable)
        for _ in range(expr.order if expr.style == "nabla" else times):
            shape = shape + point.type.shape
            value = t.Deriv(Tensor(shape), value, point)
    return value


def _gradient(u: Unknowns, r: Reader, expr: s.Derivative) -> t.Term | None:
    points: list[t.Term] = []
    match expr.numerator:
        case s.Juxt(items=(s.Name(), s.Paren(items=items))) | s.Call(arguments=items):
            value = r.term(expr.numerator)
            points = [r.term(i) for i in items]
        case s.Name():
            u.functions_used = True
            value = t.Op(SCALAR, "opaque", (), (("name", f"open {spell(expr.numerator)}"),))
        case _:
            return None
    if len(points) == 1 and points[0].type.rank:
        size = points[0].type.shape
    else:
        size = (Size.of(len(points)) if len(points) > 1 else unknown("∇"),)
    for _ in range(expr.order):
        value = t.Op(Tensor(value.type.shape + size), "open gradient", (value, *points))
    return value


def _evaluated(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    assert isinstance(expr, s.Evaluated)
    return r.term(expr.body)


def _expectation(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """E, Var, Std of random symbols of which only the name is known."""
    assert isinstance(expr, s.Expectation)
    bound: dict[str, t.Term] = {}
    for name in _running(expr.sub):
        variable = t.Variable(f"{spell(name)} under {expr.op}", spell(name), u.kind(r, name), declared=False)
        bound[spell(name)] = t.Input(variable.type, variable)
    inside = r.bind(bound)
    values = tuple(inside.term(x) for x in expr.arguments)
    if not values:
        return None
    kind = values[0].type
    if expr.op in ("Var", "Cov") and kind.rank > 1:
        return None
    if expr.op == "Cov" or expr.op == "Var" and kind.rank == 1:
        kind = Tensor(tuple(v.type.shape[0] for v in (values * 2)[:2] if v.type.rank == 1))
    if expr.op.lower() == "std" and kind.rank:
        kind = SCALAR
    value: t.Term = t.Op(kind, f"open {expr.op}", (*bound.values(), *values))
    return value if expr.sup is None else a.power(r.solver, value, r.term(expr.sup))


def _matrix(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """A matrix of which some entries are dots: as high and wide as it may be."""
    assert isinstance(expr, s.Matrix)
    shown = [e for row in expr.rows for e in row if not isinstance(e, s.Mark)]
    values = tuple(r.term(e) for e in shown)
    if not values or any(v.type.rank != values[0].type.rank for v in values):
        return None
    dotted = any(isinstance(e, s.Mark) for row in expr.rows for e in row)
    if not dotted:
        return None
    columns = max(len(row) for row in expr.rows)
    if values[0].type.rank == 0 and (columns == 1 or len(expr.rows) == 1):
        return t.Op(Tensor((unknown("n"),), columns > 1), "open entries", values)
    return t.Op(Tensor((unknown("m"), unknown("n"))), "open entries", values)


def _cases(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """Branches whose conditions are told in words."""
    assert isinstance(expr, s.CasesOf)
    values = tuple(r.term(value) for value, _ in expr.branches)
    kind = max((v.type for v in values), key=lambda x: x.rank)
    if any(v.type.rank not in (0, kind.rank) for v in values):
        return None
    return t.Op(kind, "open cases", values)


def _paren(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """{r_1, …, r_G}, [A, b]: the values collected; (x; W) and [x ‖ y] too."""
    assert isinstance(expr, s.Paren)
    if not expr.items or not set(expr.separators) <= {",", ";", "\\|", "||", "\\mid", "|"}:
        return None
    values = tuple(r.term(i) for i in expr.items if not (isinstance(i, s.Mark) and i.name == "dots"))
    if not values:
        return None
    rank = max(max(v.type.rank for v in values), 1)
    if rank > 2:
        return None
    return t.Op(Tensor(tuple(unknown("n") for _ in range(rank))), "open list", values)


def _bars(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """|B|, the number of elements of a set; a norm with a name of its own."""
    assert isinstance(expr, s.Bars)
    if isinstance(expr.body, s.Name) and expr.body.font in ("cal", "scr"):
        return u.symbol(r, f"|{spell(expr.body)}|", SCALAR)
    if expr.kind != "||":
        return None
    return t.Op(SCALAR, "open norm", (r.term(expr.body),))


def _scripted(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """(…)_{β = β_t}, […]_{words}: the value there; […]_{ab}: an entry; (…)^*: a value of the same kind."""
    assert isinstance(expr, s.Scripted)
    value = t.Op(SCALAR, "open norm", (r.term(expr.base.body),)) if isinstance(expr.base, s.Bars) else r.term(expr.base)
    match expr.sub:
        case None | s.Words():
            pass
        case s.Relation(items=items):
            r.term(items[-1])
        case s.Name(word=True):
            pass
        case _ if value.type.rank:
            items = script_items(expr.sub)
            try:
                value = component(r, value, items, expr)
            except Unreadable:
                if len(items) > value.type.rank:
                    return None
                value = t.Op(replace(value.type, shape=value.type.shape[len(items) :]), "open entry", (value,))
        case _:
            return None if not isinstance(expr.base, s.Bars) else value
    kind = suffix(expr.sup, r.shared.conventions.transpose_letter)
    if expr.primes or kind is None or kind.kind in ("label", "star"):
        return value
    return suffixed(r, value, kind, expr)


def _listing(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    """x = -1, 0, 2: one of these values."""
    assert isinstance(expr, s.Listing)
    values = tuple(r.term(i) for i in expr.items if not (isinstance(i, s.Mark) and i.name == "dots"))
    if not values or any(v.type.rank != values[0].type.rank for v in values):
        return None
    return t.Op(values[0].type, "open one of", values)


def _relation(u: Unknowns, r: Reader, expr: s.Expr) -> t.Term | None:
    assert isinstance(expr, s.Relation)
    return t.Op(BOOL, f"open {expr.ops[0]}", tuple(r.term(i) for i in expr.items))


RULES: Mapping[type, Rule] = {
    s.Name: _name,
    s.Juxt: _juxt,
    s.Call: _call,
    s.Infix: _infix,
    s.Big: _big,
    s.Derivative: _derivative,
    s.Evaluated: _evaluated,
    s.Expectation: _expectation,
    s.Matrix: _matrix,
    s.CasesOf: _cases,
    s.Paren: _paren,
    s.Bars: _bars,
    s.Scripted: _scripted,
    s.Listing: _listing,
    s.Relation: _relation,
}
"""In place of a reading that the document does not give."""
