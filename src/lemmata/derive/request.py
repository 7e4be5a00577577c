"""What somebody asks for — a function and a variable by name — found in a document and derived there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from lemmata.core import terms as t
from lemmata.derive import form as f
from lemmata.derive.derivation import Derivation, Deriver, Underivable
from lemmata.derive.form import Form, NoForm
from lemmata.derive.read import TermReader
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable

FONTS = re.compile(r"\\(?:mathbf|boldsymbol|mathcal|mathrm|mathbb|mathsf|bm|operatorname|text|mathit)\b")
LETTERS = ("u", "v", "r", "s", "a", "h", "z")
PLACES = 8
"""How many places after a definition are tried."""
NONLINEAR = frozenset({"norm", "fn", "epow", "softmax", "lse", "det", "inv"})


class Answer(Struct, frozen=True):
    """A derivation, and the chain rule that leads to it: one equation a step, with its verdict where it has one."""

    result: Derivation
    steps: tuple[Derivation | str, ...] = ()


def lines(found: Answer) -> list[str]:
    """The answer as text: the steps, the derivative, and what backs it."""
    texts = []
    for step in found.steps:
        text = step if isinstance(step, str) else f"{step.left} = {step.right}"
        unsure = isinstance(step, Derivation) and step.verdict.kind != "verified"
        texts.append(f"  {text}" + ("   (not verified)" if unsure else ""))
    result = found.result
    texts.append(f"{result.left} = {result.right}")
    if result.verdict.kind == "verified":
        return [*texts, f"verified: {result.verdict.evidence[0]}"]
    return [*texts, f"not verified: {result.verdict.reason}"]


def answer(
    elaboration: Elaboration, function: str, variable: str, order: int = 1, steps: bool = False, seed: int = 0
) -> Answer:
    """The derivative of what the document defines as `function`. Raises Underivable with what there is instead."""
    deriver = Deriver(elaboration)
    binding = _function(deriver, function)
    problem: Underivable | None = None
    for item in _items(deriver, binding):
        name, rank, term = _read(deriver, binding, item)
        symbols = dict(_symbols(deriver, term))
        wrt = next((shown for shown in symbols if bare(shown) == bare(variable)), None)
        if wrt is None:
            problem = problem or Underivable(_dependencies(name, variable, symbols))
            continue
        left = _left(name, wrt, rank, symbols[wrt], order)
        try:
            found = deriver.derive(item, left, seed)
        except Underivable as error:
            problem = error
            continue
        chain = tuple(_steps(deriver, item, name, rank, term, wrt, symbols, seed)) if steps and order == 1 else ()
        return Answer(found, chain)
    raise problem or Underivable(f"{binding.latex} has no place in the text")


def bare(text: str) -> str:
    """A name without fonts, braces and backslashes, as it is typed at a prompt."""
    text = FONTS.sub("", text.strip())
    return re.sub(r"\(.*\)$", "", _plain(text))


def _plain(text: str) -> str:
    return re.sub(r"[\\{}$\s]", "", FONTS.sub("", text))


def _defined(deriver: Deriver) -> Iterator[Binding]:
    environment = deriver.elaborator.environment
    for key in environment.keys():
        for binding in environment.all(key):
            if binding.kind in ("definition", "function", "through", "term"):
                yield binding


def _shown(deriver: Deriver, binding: Binding) -> str:
    name = deriver.notation.symbol(binding.latex)
    if not binding.params:
        return name
    texts = [deriver.notation.symbol(p.base if p.sub is None else _label(p)) for p in binding.params]
    return f"{name}({', '.join(texts)})"


def _label(name: object) -> str:
    from lemmata.elaborate.names import spell, stem

    return f"{stem(name)}_{spell(name.sub)}"  # type: ignore[arg-type, attr-defined]


def _function(deriver: Deriver, function: str) -> Binding:
    known = list(_defined(deriver))
    named = [b for b in known if bare(b.latex) == bare(function)]
    if "(" not in function and not named:
        named = [b for b in known if bare(b.key) == bare(function)]
    if named:
        exact = [b for b in named if _plain(_shown(deriver, b)) == _plain(function)]
        return (exact or named)[0]
    path = deriver.elaboration.document.path
    if not known:
        raise Underivable(f"{path} defines nothing")
    names = ", ".join(dict.fromkeys(_shown(deriver, b) for b in known))
    raise Underivable(f"{path} does not define {function}; it defines {names}")


def _items(deriver: Deriver, binding: Binding) -> list[Item]:
    """Places to derive at that no condition governs: the end of the section, then from the definition on."""
    scopes = binding.place.scopes
    found = []
    for item in deriver.elaboration.items:
        if item.place.at < binding.place.at or item.place.scopes[: len(scopes)] != scopes:
            continue
        words = deriver.elaborator.words(item)
        free = not words.hypotheses and not item.conditional and item.cue not in ("condition", "example")
        if free or item.place.at == binding.place.at:
            found.append(item)
    return [*found[-1:], *found[:PLACES]]


def _read(deriver: Deriver, binding: Binding, item: Item) -> tuple[str, int, t.Term]:
    name = _shown(deriver, binding)
    r = Reader(deriver.elaborator.shared(Choices(), item), item.place)
    try:
        term = r.term(deriver.part(item, name).expr)
    except Unreadable as error:
        raise Underivable(f"{name} cannot be read: {error}") from None
    return name, term.type.rank, term


def _symbols(deriver: Deriver, term: t.Term) -> Iterator[tuple[str, t.Term]]:
    """What a value depends on, as the document writes it: inputs and intermediate definitions."""
    stack, seen = [term], set()
    first = True
    while stack:
        here = stack.pop(0)
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, t.Input):
            yield deriver.notation.symbol(here.variable.latex, here.variable.key), here
        elif isinstance(here, t.Defined) and not first and "_" not in here.latex:
            yield deriver.notation.symbol(here.latex, here.key), here
        first = first and isinstance(here, t.Apply)
        if isinstance(here, t.Defined):
            first = False
        stack.extend(t.subterms(here))


def _dependencies(name: str, variable: str, symbols: dict[str, t.Term]) -> str:
    inputs = [shown for shown, x in symbols.items() if isinstance(x, t.Input)]
    others = [shown for shown, x in symbols.items() if not isinstance(x, t.Input)]
    text = f"{name} does not depend on {variable}; it depends on {', '.join(inputs) or 'nothing'}"
    return text + (f", through {', '.join(others)}" if others else "")


def _left(name: str, wrt: str, rank: int, variable: t.Term, order: int) -> str:
    script = wrt if len(wrt) == 1 else f"{{{wrt}}}"
    if rank == 0 and variable.type.rank:
        return f"\\nabla{'^2' if order == 2 else ''}_{script} {name}"
    if order == 2:
        return f"\\frac{{\\partial^2 {name}}}{{\\partial {wrt}^2}}"
    return f"\\frac{{\\partial {name}}}{{\\partial {wrt}}}"


def _steps(
    deriver: Deriver,
    item: Item,
    name: str,
    rank: int,
    term: t.Term,
    wrt: str,
    symbols: dict[str, t.Term],
    seed: int,
) -> Iterator[Derivation | str]:
    """Derivatives with respect to each definition on the way; without one, to the largest part inside a function."""
    through = []
    for shown, middle in symbols.items():
        if isinstance(middle, t.Defined) and shown != wrt and wrt in dict(_symbols(deriver, middle.body)):
            through.append((shown, middle))
    for shown, middle in through:
        try:
            yield deriver.derive(item, _left(name, shown, rank, middle, 1), seed)
        except Underivable:
            continue
    if not through:
        yield from _substitution(deriver, term, name, wrt, symbols[wrt])


def _substitution(deriver: Deriver, term: t.Term, name: str, wrt: str, variable: t.Term) -> Iterator[str]:
    """With u = Xw − y: ∂L/∂u and ∂u/∂w."""
    reader = TermReader({}, {})
    printer, taken = deriver.printer, {bare(x) for x in deriver.notation.symbols}
    letter = next((x for x in LETTERS if x not in taken), None)
    try:
        of, target = reader.read(term), reader.read(variable)
        of = of.body if of.op in ("call", "sym") and of.body is not None else of
        inner = _inside(of, str(target.data[0]))
        if inner is None or letter is None:
            return
        u = Form("sym", (), (f"{letter}#step", letter), inner.shape)
        outer = f.substitute(of, lambda x: u if x.key == inner.key else None)
        first = reader.derive(outer, u)
        yield f"{letter} = {printer.text(inner)}"
        yield f"\\frac{{\\partial {name}}}{{\\partial {letter}}} = {printer.text(first)}"
        if inner.matrix or target.matrix:
            return
        second = reader.derive(inner, target)
        yield f"\\frac{{\\partial {letter}}}{{\\partial {wrt}}} = {printer.text(second)}"
    except NoForm:
        return


def _inside(form: Form, key: str) -> Form | None:
    """The largest part inside a norm or function that depends on the variable and is more than it."""
    from lemmata.derive.rules import Calculus

    calculus = Calculus(key)
    for a in form.args:
        if form.op in NONLINEAR and calculus.depends(a) and a.op not in ("sym", "elem", "idx"):
            return a
        found = _inside(a, key) if calculus.depends(a) else None
        if found is not None:
            return found
    return None
