"""What an equation says although the document leaves something in it open: its outline.

A function that nobody defines is some function; a symbol with a mark of its own (x^*, β^{(t)}, x_A) is some value of
the kind its letter shows; a sum over a set that nobody lists is a sum over some set. With these unknowns the sides of
the equation have types that fit, so that it is understood; nothing is decided about it, since what is open decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.types import Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.claims import same_shape
from lemmata.elaborate.declarations import membership
from lemmata.elaborate.expressions import HANDLERS
from lemmata.elaborate.guesses import usage
from lemmata.elaborate.heads import head_of
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.outline_rules import RULES, Unknowns
from lemmata.elaborate.reader import Handler, Reader, Shared, describe
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement

STEPS = 1200
"""Expressions read for one statement, in all attempts."""
MOST = 150_000
"""Expressions read for one document."""
ATTEMPTS = (
    ("own", ""),
    ("document", ""),
    ("none", ""),
    ("own", "members"),
    ("own", "capitals"),
    ("none", "numbers"),
)
"""Where the use of a letter counts that tells its kind (the statement, the document), and views of letters that nobody
declares: bold letters with an index are members of a family, capitals are matrices, letters not bold are numbers."""
ARROWS = frozenset({"\\to", "\\mapsto", "\\implies", "\\iff"})
ORDER = frozenset({"<", ">", "\\le", "\\ge", "\\ll", "\\gg"})
SETS = frozenset({"\\in", "\\notin", "\\subset"})


class Outline(Struct):
    """One attempt to type a statement, with what is supposed in it."""

    unknowns: Unknowns
    steps: int = field(default=0)

    def handlers(self) -> Mapping[type, Handler]:
        return {kind: self._rule(kind) for kind in {*HANDLERS, *RULES}}

    def _rule(self, kind: type) -> Handler:
        """The rule for a kind of expression, and what it is taken for where the rule cannot be used."""
        strict, loose = HANDLERS.get(kind), RULES.get(kind)

        def read(r: Reader, expr: s.Expr) -> t.Term:
            self.steps += 1
            if self.steps > STEPS:
                raise Unreadable("too much in it is open")
            problem: Unreadable | None = None
            if strict is not None and not self.unknowns.opens(r, expr):
                before = dict(r.solver.solution)
                try:
                    return strict(r, expr)
                except Unreadable as error:
                    problem = error
                r.solver.solution = before
                if kind is s.Name:
                    self.unknowns.given_up.add(id(expr))
            value = loose(self.unknowns, r, expr) if loose is not None else None
            if value is not None and problem is not None and kind is not s.Name:
                self.unknowns.found.append(str(problem))
            if value is None:
                raise problem or Unreadable(f"no value can be given to {describe(expr)}")
            return value

        return read


def called(exprs: Iterable[s.Expr]) -> frozenset[str]:
    """Names that stand before a bracket with a symbol or several arguments in it: g in g(x), h in h(x, y)."""
    found: set[str] = set()
    for expr in exprs:
        for node in walk(expr):
            if isinstance(node, s.Juxt):
                for name, group in zip(node.items, node.items[1:], strict=False):
                    if isinstance(name, s.Name) and isinstance(group, s.Paren) and group.open == "(" and group.items:
                        if name.primes or len(group.items) > 1 or _argument(group.items[0]):
                            found.add(stem(replace(name, primes=0)))
    return frozenset(found)


def _argument(expr: s.Expr) -> bool:
    """Whether a bracket around this is likely that of a function: x, h(x)."""
    match expr:
        case s.Paren(items=items) if len(items) > 1:
            return True
        case s.Name() | s.Juxt(items=(s.Name(), s.Paren(open="("))):
            return True
    return False


class Outlines(Struct):
    """The outlines of one document's statements."""

    functions: frozenset[str]
    """Names that the document calls."""
    letters: frozenset[str]
    """Its index letters."""
    given_up: set[int] = field(default_factory=set)
    """Names, by their place in the notation, whose value could not be read."""
    left: int = MOST
    """Expressions that may still be read."""

    def of(self, statement: Statement, make: Callable[[], Shared]) -> tuple[str, ...] | None:
        """What has to be supposed for the sides of a statement to have types that fit; None where nothing helps."""
        expr = statement.expr
        if not isinstance(expr, s.Relation) or any(isinstance(n, s.Unread) for n in walk(expr)):
            return None
        own, steps = usage([expr], self.letters), 0
        for codomain in ("number", "argument", "vector"):
            calls = False
            for marks, view in ATTEMPTS:
                if view == "capitals" and set(expr.ops) & ORDER:
                    continue
                if steps > STEPS or self.left <= 0:
                    return None
                unknowns = Unknowns(codomain, self.functions, view, given_up=self.given_up)
                attempt = Outline(unknowns, steps)
                shared = make()
                marked = {"own": own, "document": shared.usage}.get(marks, {})
                shared = replace(shared, handlers=attempt.handlers(), usage=marked)
                unknowns.usage = shared.usage
                shared.home = statement.place
                try:
                    _type(
                        Reader(shared, statement.place),
                        statement,
                        expr,
                        self.letters,
                        unknowns.kind,
                    )
                except (Unreadable, RecursionError):
                    calls = calls or unknowns.functions_used
                else:
                    return tuple(dict.fromkeys(unknowns.found))
                finally:
                    self.left -= attempt.steps - steps
                    steps = attempt.steps
            if not calls:
                break
        return None


def _type(
    r: Reader,
    statement: Statement,
    expr: s.Relation,
    letters: frozenset[str],
    kind: Callable[[Reader, s.Name], Tensor],
) -> None:
    """Read the sides of a statement as what its relations ask for. Raises Unreadable."""
    items = list(expr.items)
    rank = None
    if ":" in expr.ops:
        at = expr.ops.index(":")
        if "\\to" not in expr.ops[at:] or not all(is_set(r, item) for item in items[at + 1 :]):
            raise Unreadable("a colon that declares no function")
        return
    if expr.ops == ("\\in",):
        _member(r, items[0], items[1])
        return
    if set(expr.ops) & (ARROWS | SETS):
        for item in items:
            _part(r, item)
        return
    if statement.role == "definition":
        head = head_of(items[0], letters, r.shared.environment, statement.place)
        if head is not None and head.params is not None:
            unknowns = {spell(p): r.term(replace(p, sup=None)) for p in head.params if stem(p) not in r.locals}
            r = r.bind({k: v for k, v in unknowns.items() if isinstance(v, t.Input)})
        bold = head is not None and head.params is None and head.name.font == "bold"
        rank = kind(r, head.name).rank if head is not None and bold else None
        items = items[1:]
    sides = [i for i in items if not _goes_on(i)]
    if not sides:
        raise Unreadable("nothing but dots")
    values, _ = same_shape(r, tuple(r.term(i) for i in sides))
    if rank is not None and all(v.type.rank != rank for v in values):
        raise Unreadable(f"{spell(expr.items[0])} is written as something else")


def _member(r: Reader, left: s.Expr, right: s.Expr) -> None:
    """x ∈ S: a set, and on the left values of the kind of its members. Raises Unreadable."""
    if isinstance(right, s.Call | s.Big):
        r.term(right)
    elif not (is_set(r, right) or isinstance(right, s.Name) or _is_count(right)):
        raise Unreadable(f"the set {spell(right)}")
    try:
        rank = membership(r, right).type.rank
    except Unreadable:
        rank = -1
    for value in left.items if isinstance(left, s.Listing) else (left,):
        if _goes_on(value) or isinstance(value, s.Name) and not r.shared.environment.all(stem(value)):
            continue
        if r.term(value).type.rank != rank >= 0:
            raise Unreadable(f"{spell(value)} is of another kind than the members of {spell(right)}")


def _is_count(expr: s.Expr) -> bool:
    """[m], the numbers from 1 to m."""
    return isinstance(expr, s.Paren) and expr.open == "[" and len(expr.items) == 1


def _goes_on(item: s.Expr) -> bool:
    """… as a side of its own: what came before."""
    return isinstance(item, s.Mark) and item.name == "dots"


def _part(r: Reader, item: s.Expr) -> None:
    """A side of x ∈ S, f: A → B, x → 0: a set, or values."""
    if is_set(r, item):
        return
    for value in item.items if isinstance(item, s.Listing) else (item,):
        if not _goes_on(value):
            r.term(value)


def is_set(r: Reader, expr: s.Expr) -> bool:
    """Whether this is a set: a set of numbers or tensors, a letter for one, products and powers of such."""
    match expr:
        case s.Choice(options=options):
            return is_set(r, options[0])
        case s.Name(font="cal" | "bb" | "scr" | "frak") | s.Const(name="R" | "N" | "Z" | "C" | "Q"):
            return True
        case s.Name(base="R" | "N" | "Z" | "C", sup=sup) if sup is not None:
            return True
        case s.Infix(ops=ops, items=items) if set(ops) <= {"\\times", "\\cup", "\\cap", "\\setminus"}:
            return all(is_set(r, i) for i in items)
        case s.Scripted(base=base):
            return is_set(r, base)
        case s.Paren(open="{", items=items, separators=separators) if all(x == "," for x in separators):
            for item in items:
                for part in item.items if isinstance(item, s.Juxt) else (item,):
                    if not _goes_on(part):
                        r.term(part)
            return bool(items)
    try:
        membership(r, expr)
    except Unreadable:
        return False
    return True
