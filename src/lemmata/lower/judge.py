"""A statement's verdict: shapes by their sizes, claims by the judge, everything else as what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from msgspec import Struct

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate import surface as s
from lemmata.elaborate.guesses import forced, of_one_length
from lemmata.elaborate.joint_laws import MARK, WEIGHTS
from lemmata.elaborate.names import letters_of, spell, stem, walk
from lemmata.elaborate.open_functions import is_open
from lemmata.elaborate.solver import is_unknown
from lemmata.elaborate.statement import Reading, ShapeError, Statement
from lemmata.lower.expectation import stated
from lemmata.lower.problem import ReadingProblem
from lemmata.verify.excuses import CONDITION
from lemmata.verify.judgement import judge
from lemmata.verify.outcome import Reading as JudgedReading
from lemmata.verify.problem import CannotLower, Instance, SizeRule
from lemmata.verify.sizes import NoSizes, assignments
from lemmata.verify.verdict import Counterexample, Verdict

ASSUMED = frozenset({"declaration", "definition", "implicit definition", "condition", "instance", "update"})


def judge_statement(statement: Statement, seed: int = 0) -> Verdict:
    """The judgement of one statement. Never raises for what a document holds."""
    if statement.role in ASSUMED:
        return Verdict("assumed", reason=statement.reason)
    if statement.role in ("withdrawn", "approximation"):
        return Verdict("assumed", reason=statement.reason)
    if statement.kind in ("shape", "membership") and not statement.readings:
        return _shape(statement)
    if statement.shape_error is not None:
        return _ill_typed(statement, statement.shape_error)
    if not statement.readings:
        others = tuple(x for x in statement.unread if x != statement.reason)
        return Verdict("unchecked", reason=statement.reason or "it could not be read", alternatives=others)
    return _claim(statement, seed)


def _claim(statement: Statement, seed: int) -> Verdict:
    # Who writes ‖A‖_F in a formula means another norm by ‖A‖_2 in it.
    named = any(
        isinstance(x, s.Scripted) and isinstance(x.base, s.Bars) and spell(x.sub) == "F" for x in walk(statement.expr)
    )
    readings = [
        JudgedReading(ReadingProblem(r, statement.concluded), r.note or "as written", preferred=not r.note)
        for r in statement.readings
        if not named or FROBENIUS not in r.note
    ]
    guards = list(statement.guards)
    verdict = judge(readings, seed=seed, guards=guards)
    first = statement.readings[0]
    if verdict.kind == "refuted":
        sure = {id(r): of_one_length(statement.expr, variables(r.sides), r.solution) for r in statement.readings}
        guessed = [
            v
            for r in statement.readings
            for v in (*r.guessed, *undeclared(r.sides))
            if v.key not in r.counted and not forced(v, r.solution) and v.key not in sure[id(r)]
        ]
        described = [
            v.latex for r in statement.readings for v in described_variables(r.sides) if v.key not in sure[id(r)]
        ]
        if statement.kind == "inequality" and any(opens(r.sides) for r in statement.readings):
            return _unchecked(verdict, "fails for some smooth function, and the text may say more of it")
        if opens(first.sides) and isinstance(statement.expr, s.Relation) and any_number(statement.expr):
            return _unchecked(verdict, "it reads as a condition on a function that the text leaves open")
        if any(is_open(x) for r in statement.readings for x in t.walk(r.sides)):
            return _unchecked(verdict, "fails for some functions, and the text may say more of them")
        limits = [x for r in statement.readings for x in t.walk(r.sides) if constant_limit(x)]
        still = next((x.variable.latex for x in limits if x.variable is not None), "")
        if still:
            return _unchecked(verdict, f"what tends to a limit does not depend on {still}")
        if any(conditional(r.sides) for r in statement.readings):
            return _unchecked(verdict, "fails in general, but may be an assumption about the conditional law")
        if any(particular(r.sides) for r in statement.readings):
            return _unchecked(
                verdict, "fails for a law of which only the name is known, and the text may say more of it"
            )
        borrowed = [x for r in statement.readings for x in r.borrowed]
        if borrowed:
            return _unchecked(
                verdict, f"fails, but {borrowed[0]} may have another value here than the one it was read with"
            )
        asked = asks(statement.expr) and not statement.concluded
        if asked and any(isinstance(side, t.Input) for side in first.sides):
            return _unchecked(verdict, "it reads as a condition on its letters, which fails in general")
        if not statement.concluded and between_sizes(first):
            return _unchecked(verdict, f"{CONDITION} its sizes, which fails in general")
        if between_differentials(statement):
            return _unchecked(verdict, "fails as a product with d, but may be a relation between differentials")
        if described:
            return _unchecked(verdict, f"fails, but the text says more of {described[0]} than could be used")
        if guessed:
            names = ", ".join(dict.fromkeys(v.latex for v in guessed))
            return _unchecked(verdict, f"fails, but the shape of {names} is a guess, since nothing declares it")
        stacked = next((x for r in statement.readings for x in untied(r.sides)), None)
        if stacked is not None:
            return _unchecked(verdict, f"fails, but {stacked.latex} may stack the vectors of the same letter")
        if any(unnamed(r) for r in statement.readings):
            return _unchecked(verdict, "fails, but it holds a size that nothing names")
        if statement.untried:
            return _unchecked(verdict, f"fails, but another reading could not be tried: {statement.untried[0]}")
        if not statement.complete:
            return _unchecked(verdict, "fails under the readings tried, but there are more")
    together = dependent(first.sides) if verdict.kind == "verified" else []
    if together:
        names = " and ".join(together)
        return _unchecked(verdict, f"holds if {names} are independent, which nothing says")
    if verdict.kind == "verified" and not first.exact_orientation:
        return _unchecked(verdict, "holds up to a transpose: a row is compared with a column")
    if verdict.kind == "verified" and statement.reason:
        return _unchecked(verdict, f"holds only if {first.note}: {statement.reason}")
    return verdict


def under_conditions(judged: Sequence[tuple[Statement, Verdict]]) -> tuple[tuple[Statement, Verdict], ...]:
    """Verdicts side by side: what a relation that fails in general means for the claims around it.

    “$(a-b)^2 = a^2 + b^2$, here $ab = 0$”: the second equation cannot hold in general, so it may be a condition of the
    first; it counts in its sentence, and for what follows it in its section. “Now $y = x^2$” for a y that has a value
    may give it another: what follows about y is neither verified nor refuted on the old one.
    """
    asked = [(x, letters_of(x.expr)) for x, v in judged if v.kind == "unchecked" and v.reason.startswith(CONDITION)]
    anew = [(x, _head_letters(x)) for x, v in judged if _given_anew(x, v)]
    found = []
    for statement, verdict in judged:
        if verdict.kind in ("verified", "refuted"):
            letters = letters_of(statement.expr)
            used = letters | _symbols(statement)
            again = next((o for o, names in anew if names & letters and _follows(o, statement)), None)
            shared = (o for o, names in asked if names & used)
            asks = next((o for o in shared if _governs(o, statement) or _borrowed(o, statement, used, judged)), None)
            if again is not None:
                verdict = _unchecked(verdict, f"“{again.latex}” may give its symbols another value")
            elif asks is not None and verdict.kind == "refuted":
                verdict = _unchecked(verdict, f"fails, but “{asks.latex}” may be a condition of it")
        found.append((statement, verdict))
    return tuple(found)


def _given_anew(statement: Statement, verdict: Verdict) -> bool:
    """Whether an inline equation for a name that has a value fails with that value."""
    expr = statement.expr
    return (
        statement.role == "claim"
        and verdict.kind == "unchecked"
        and verdict.reason == f"may depend on “{statement.latex}”"
        and isinstance(expr, s.Relation)
        and isinstance(expr.items[0], s.Name)
    )


def _head_letters(statement: Statement) -> frozenset[str]:
    assert isinstance(statement.expr, s.Relation)
    head = statement.expr.items[0]
    assert isinstance(head, s.Name)
    return frozenset({stem(head)})


def _follows(first: Statement, second: Statement) -> bool:
    a, b = first.place, second.place
    return a.at < b.at and a.scopes == b.scopes[: len(a.scopes)]


def _governs(condition: Statement, claim: Statement) -> bool:
    a, b = condition.place, claim.place
    inside = _follows(condition, claim)
    others = [g for g in condition.guards if g != condition.latex]
    free = condition.kind != "inequality" and not condition.assumptions and not others
    return a.sentence == b.sentence >= 0 or inside and free


def _symbols(statement: Statement) -> frozenset[str]:
    """The declared symbols that a claim comes down to."""
    terms = [x for r in statement.readings for x in t.walk(r.sides)]
    return frozenset(x.variable.latex for x in terms if isinstance(x, t.Input) and x.variable.declared)


def _borrowed(
    condition: Statement, claim: Statement, used: frozenset[str], judged: Sequence[tuple[Statement, Verdict]]
) -> bool:
    """Whether a claim of a later section takes a symbol of the condition from where the condition stands."""
    a, b = condition.place, claim.place
    if a.at >= b.at or condition.kind == "inequality" or condition.assumptions:
        return False
    declared = [x for x, _ in judged if x.role == "declaration" and x.place.at < b.at]
    anew = {
        letter
        for x in declared
        if x.place.scopes == b.scopes[: len(x.place.scopes)] and x.place.scopes != a.scopes[: len(x.place.scopes)]
        for letter in letters_of(x.expr)
    }
    here = {letter for x in declared if x.place.scopes == a.scopes for letter in letters_of(x.expr)}
    return bool((letters_of(condition.expr) & used & here) - anew)


FROBENIUS = "the norm read as the Frobenius norm"
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "pow", "square", "sqrt"})
PRODUCTS = (s.Name, s.Juxt, s.Paren, s.Num, s.Mark)


def between_sizes(reading: Reading) -> bool:
    """Whether an equation between formulas in sizes alone may ask for them: p + q = 1, n h = d.

    One side is a number, or each side has a size that the other lacks; sums and the like are no such formulas.
    """
    terms = list(t.walk(reading.sides))
    plain = all(isinstance(x, t.Num | t.SizeNum) or isinstance(x, t.Op) and x.name in ARITHMETIC for x in terms)
    if not plain or len(reading.sides) != 2:
        return False
    left, right = (
        {a for x in t.walk((side,)) if isinstance(x, t.SizeNum) for a in x.size.substitute(reading.solution).atoms}
        for side in reading.sides
    )
    return bool(left or right) and (not left or not right or bool(left - right and right - left))


def between_differentials(statement: Statement) -> bool:
    """Whether an equation with d before a letter may relate differentials.

    It cannot where d is a size of the document and a side has no d before a letter: ‖x‖ = d r.
    """
    expr = statement.expr
    if not any(_is_choice(x) for x in walk(expr)):
        return False
    with_d = [any(_is_choice(x) or _before_another(x) for x in walk(i)) for i in _sides(expr)]
    terms = (x for r in statement.readings for x in t.walk(r.sides))
    a_size = any(isinstance(x, t.SizeNum) and "d" in x.size.atoms for x in terms)
    return all(with_d) or not a_size


def _is_choice(node: s.Expr) -> bool:
    return isinstance(node, s.Choice) and node.key == "differential"


def _before_another(node: s.Expr) -> bool:
    """d (w^⊤ w): the letter d before another factor."""
    return isinstance(node, s.Juxt) and any(isinstance(x, s.Name) and x.base == "d" for x in node.items[:-1])


def _sides(expr: s.Expr) -> tuple[s.Expr, ...]:
    return expr.items if isinstance(expr, s.Relation) else (expr,)


def any_number(relation: s.Relation) -> bool:
    """Whether a side is a number in digits."""
    return any(isinstance(x, s.Num) for x in relation.items)


def opens(sides: Sequence[t.Term]) -> bool:
    """Whether a function that the document leaves open takes part."""
    return any(isinstance(x, t.Op) and x.name == "opaque" for x in t.walk(tuple(sides)))


def constant_limit(term: t.Term) -> TypeGuard[t.Limit]:
    """Whether it is the limit of something in which the variable does not occur."""
    if not isinstance(term, t.Limit) or term.variable is None:
        return False
    key = term.variable.key
    return not any(isinstance(x, t.Input) and x.variable.key == key for x in t.walk((term.body,)))


def conditional(sides: Sequence[t.Term]) -> bool:
    """Whether a conditional expectation stands outside of every expectation over the whole law."""
    stack = list(sides)
    while stack:
        term = stack.pop()
        if isinstance(term, t.Expect):
            if term.given:
                return True
            continue
        stack.extend(t.subterms(term))
    return False


def particular(sides: Sequence[t.Term]) -> bool:
    """Whether laws known only by name are compared with anything but such laws."""
    given = [[x.variable.key for x in t.walk((side,)) if isinstance(x, t.Input)] for side in sides]
    named = [[key.startswith(WEIGHTS) for key in keys if not key.startswith(MARK)] for keys in given]
    return any(any(n) for n in named) and not all(n and all(n) for n in named)


def asks(expr: s.Expr) -> bool:
    """Whether an equation between products and a letter alone asks something of the letter: A x = x."""
    if not isinstance(expr, s.Relation) or expr.ops != ("=",) or not any(isinstance(x, s.Name) for x in expr.items):
        return False
    return all(isinstance(x, PRODUCTS) for item in expr.items for x in walk(item))


def dependent(sides: Sequence[t.Term]) -> list[str]:
    """The random variables with stated moments that meet in an expectation though nothing says they are independent."""
    for term in t.walk(tuple(sides)):
        if isinstance(term, t.Expect):
            drawn = {
                x.variable.key: x.variable
                for x in t.walk((term.body,))
                if isinstance(x, t.Input) and x.variable.law is not None and stated(x.variable.law)
            }
            loose = [v.latex for v in drawn.values() if v.law is not None and not v.law.independent]
            several = len(drawn) > 1 or any(v.family for v in drawn.values())
            if several and loose:
                return [v.latex for v in drawn.values()]
    return []


def variables(sides: Sequence[t.Term]) -> list[t.Variable]:
    return [x.variable for x in t.walk(tuple(sides)) if isinstance(x, t.Input)]


def undeclared(sides: Sequence[t.Term]) -> list[t.Variable]:
    return [x.variable for x in t.walk(tuple(sides)) if isinstance(x, t.Input) and not x.variable.declared]


def described_variables(sides: Sequence[t.Term]) -> list[t.Variable]:
    return [x.variable for x in t.walk(tuple(sides)) if isinstance(x, t.Input) and x.variable.described]


def untied(sides: Sequence[t.Term]) -> list[t.Variable]:
    """Tensors beside members of the same letter that nothing ties to them: a matrix X and vectors x_i, y and y_i."""
    variables = {x.variable.key: x.variable for x in t.walk(tuple(sides)) if isinstance(x, t.Input)}
    letters = {_letter(v) for v in variables.values() if v.family == 1}
    return [v for v in variables.values() if not v.family and v.type.rank and _letter(v) in letters]


def _letter(variable: t.Variable) -> str:
    """The name without case: x of X and of x_i."""
    return variable.key.partition("#")[0].partition("?")[0].lower()


def unnamed(reading: Reading) -> bool:
    """Whether a size takes part that the document neither names nor determines, as of a bare I or 𝟏.

    The length of a declared vector may stay open, and so may the number of a family's members: what is said of them is
    said for every length, unless a number of the document's may be that length.
    """
    terms = list(t.walk(reading.sides))
    own = {a for x in terms if isinstance(x, t.Input) and x.variable.declared for a in _open(x.type, reading)}
    own |= {a for x in terms if isinstance(x, t.Op) and x.name == "opaque" for a in _open(x.type, reading)}
    every = {a for x in terms for a in _open(x.type, reading)}
    named = any(isinstance(x, t.SizeNum) and x.size.substitute(reading.solution).atoms - own for x in terms)
    return bool(every if named else every - own)


def _open(tensor: t.Tensor, reading: Reading) -> set[str]:
    found = {a for size in tensor.shape for a in size.substitute(reading.solution).atoms}
    return {a for a in found if is_unknown(a) and not a.startswith("?members")}


def _unchecked(verdict: Verdict, reason: str) -> Verdict:
    return Verdict(
        "unchecked",
        reason=reason,
        method=verdict.method,
        evidence=verdict.evidence,
        reading=verdict.reading,
        assumptions=verdict.assumptions,
        alternatives=verdict.alternatives,
    )


def _shape(statement: Statement) -> Verdict:
    if statement.shape_error is not None:
        return _ill_typed(statement, statement.shape_error)
    if statement.membership is None:
        return Verdict("unchecked", reason=statement.reason or "the set is not a shape")
    found, claimed = statement.membership
    solved = [s.substitute(statement.solution) for s in found], [s.substitute(statement.solution) for s in claimed]
    if len(solved[0]) == len(solved[1]) and all(a == b for a, b in zip(*solved, strict=True)):
        return Verdict("verified", method="shapes", evidence=(f"the shape works out to {text(found)} for all sizes",))
    sizes = distinct(sorted({a for s in (*found, *claimed) for a in s.atoms}), (*found, *claimed))
    if sizes is None:
        return Verdict("unchecked", reason="no sizes could be found that tell the shapes apart")
    left, right = at(found, sizes), at(claimed, sizes)
    if left == right:
        return Verdict("unchecked", reason="no sizes could be found that tell the shapes apart")
    if statement.guards:
        return Verdict("unchecked", reason=f"may depend on “{statement.guards[0]}”")
    return Verdict(
        "refuted",
        reason=f"the shape is {text(found)}, not {text(claimed)}",
        method="shapes",
        evidence=(f"worked out: {text(found)}; claimed: {text(claimed)}",),
        counterexample=Counterexample(
            sizes=sizes, left=left, right=right, note=f"{text(found)} is {left}, {text(claimed)} is {right}"
        ),
    )


def _ill_typed(statement: Statement, error: ShapeError) -> Verdict:
    sizes = distinct(sorted({a for s in (*error.left, *error.right) for a in s.atoms}), (*error.left, *error.right))
    if statement.guards:
        return Verdict("unchecked", reason=f"may depend on “{statement.guards[0]}”")
    if sizes is None:
        return Verdict("unchecked", reason=error.message)
    left, right = at(error.left, sizes), at(error.right, sizes)
    if left == right:
        return Verdict("unchecked", reason=error.message)
    bare = isinstance(statement.expr, s.Relation) and any_number(statement.expr)
    if bare and not statement.concluded:
        return Verdict("unchecked", reason=f"it reads as a condition, whose shapes do not fit: {error.message}")
    return Verdict(
        "refuted",
        reason=error.message,
        method="shapes",
        evidence=(error.message,),
        counterexample=Counterexample(sizes=sizes, left=left, right=right, note=error.message),
    )


class _SizesAlone(Struct, frozen=True):
    """A problem of which only the sizes matter."""

    sizes: tuple[str, ...]
    integral: tuple[Size, ...]
    rules: tuple[SizeRule, ...] = ()

    def instance(self, sizes: Mapping[str, int]) -> Instance:
        raise CannotLower("only sizes")


def distinct(names: Sequence[str], shapes: Sequence[Size]) -> dict[str, int] | None:
    """Different numbers for different sizes, with every shape whole."""
    try:
        found = assignments(_SizesAlone(tuple(names), tuple(s for s in shapes if s.atoms)), 1)
    except NoSizes:
        return None
    return dict(found[0])


def at(shape: Sequence[Size], sizes: Mapping[str, int]) -> list[int]:
    return [int(s.at(sizes)) for s in shape]


def text(shape: Sequence[Size]) -> str:
    return " × ".join(str(s) for s in shape) if shape else "a number"
