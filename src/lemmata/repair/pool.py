"""What an author had at hand at a claim: its symbols, sizes, factors and terms, and the index letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.names import script_items, spell, stem, walk
from lemmata.repair.source import Source

MOST = 10
"""Pieces of each kind that are tried."""
NUMBERS = ("det", "tr", "trace")


class Pool(Struct, frozen=True):
    """Texts to build corrections from, the nearest first."""

    sizes: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    """Names that are applied to what follows in brackets."""
    ranks: Mapping[str, int] = field(default_factory=dict)
    """How many axes a name has, where that is declared."""


def pool(source: Source, chain: s.Relation, environment: Environment, place: Place) -> Pool:
    """What the claim and its scope offer."""
    nodes = [n for side in chain.items for n in walk(side)]
    letters = frozenset(x for x in _letters(nodes) if not any(b.kind == "size" for b in environment.all(x)))
    scripts = {id(m) for n in nodes for script in _scripts(n) for m in walk(script)}
    names: dict[str, s.Name] = {}
    for node in nodes:
        if isinstance(node, s.Name) and id(node) not in scripts and not node.word and stem(node) not in letters:
            names.setdefault(_bare(source, node), node)
    bindings = {text: environment.find(stem(n), n.font, place) for text, n in names.items()}
    ranks = {text: len(b.type.shape) for text, b in bindings.items() if b is not None and b.type is not None}
    sizes = _sizes(source, nodes, bindings.values(), environment, place, letters)
    near = _nearby(environment, place, ranks)
    scalars = [text for text in names if ranks.get(text) == 0]
    scalars += [text for text in near if ranks.get(text) == 0]
    scalars += list(_numbers(source, nodes, (*names, *near), ranks))
    functions = {
        stem(n)
        for n in nodes
        if isinstance(n, s.Name) and any(b.kind in ("function", "abstract") for b in environment.all(stem(n)))
    }
    if not environment.all("\\sigma"):
        functions.add("\\sigma")
    factors = dict.fromkeys(source.text(f) for side in chain.items for f in _factors(side, scripts))
    return Pool(
        tuple(sizes)[:7],
        tuple(dict.fromkeys(x for x in scalars if x not in sizes))[:MOST],
        tuple(x for x in factors if len(x) < 40)[:MOST],
        tuple(_terms(source, chain))[: 2 * MOST],
        tuple(dict.fromkeys((*names, *near)))[: 2 * MOST],
        tuple(sorted(letters)),
        frozenset(functions),
        ranks,
    )


def _bare(source: Source, name: s.Name) -> str:
    """The name as written without a power or transpose."""
    return source.with_sup(name, "") if name.sup is not None and not _is_label(name.sup) else source.text(name)


def _is_label(sup: s.Expr) -> bool:
    return isinstance(sup, s.Paren | s.Words) or isinstance(sup, s.Name) and sup.base != "T"


def _scripts(node: s.Expr) -> Iterable[s.Expr]:
    match node:
        case s.Name(sub=sub, sup=sup):
            # The exponent of e is a value like any other.
            return [x for x in (sub, sup if node.base != "e" else None) if x is not None]
        case s.Scripted(sub=sub, sup=sup):
            return [x for x in (sub, sup) if x is not None]
        case s.Big(lower=lower, upper=upper):
            return [x for x in (lower, upper) if x is not None]
        case s.Call(function=function):
            return [function]
        case s.Derivative(wrt=wrt):
            return [x for x, _ in wrt]
    return ()


def _letters(nodes: Iterable[s.Expr]) -> frozenset[str]:
    """Letters that index something in the claim."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case s.Big(op="\\sum" | "\\prod", lower=lower) if lower is not None:
                head = lower.items[0] if isinstance(lower, s.Relation) else lower
                found.update(spell(i) for i in script_items(head))
            case s.Name(sub=sub) | s.Scripted(sub=sub) if sub is not None:
                for item in script_items(sub):
                    first = item.items[0] if isinstance(item, s.Infix) else item
                    if isinstance(first, s.Name) and len(first.base) == 1 and first.base.islower():
                        found.add(first.base)
    return frozenset(found)


def _sizes(
    source: Source,
    nodes: Iterable[s.Expr],
    bindings: Iterable[Binding | None],
    environment: Environment,
    place: Place,
    letters: frozenset[str],
) -> list[str]:
    """Names of sizes: those in the claim, then those of the shapes in it."""
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, s.Name) and not node.word and stem(node) not in letters:
            key = stem(node) + (f"_{spell(node.sub)}" if node.sub is not None else "")
            if any(b.kind == "size" for b in environment.all(key)):
                found.setdefault(source.with_sup(node, ""))
    for binding in bindings:
        if binding is not None and binding.type is not None:
            for size in binding.type.shape:
                found.update(dict.fromkeys(a for a in sorted(size.atoms) if "?" not in a and a != "*"))
    others = [
        (b.place.at, b.latex or b.key)
        for key in environment.keys()
        for b in environment.all(key)
        if b.kind == "size" and b.place.scopes == place.scopes[: len(b.place.scopes)] and "?" not in key
    ]
    found.update(dict.fromkeys(x for _, x in sorted(others, key=lambda o: -o[0])))
    return [x for x in found if x not in letters]


def _nearby(environment: Environment, place: Place, ranks: dict[str, int]) -> list[str]:
    """Other symbols that the text has introduced, the latest first; their ranks are noted."""
    found: list[tuple[int, str]] = []
    for key in environment.keys():
        for binding in environment.all(key):
            kinds = ("variable", "definition", "family")
            inside = binding.place.scopes == place.scopes[: len(binding.place.scopes)]
            if binding.kind in kinds and binding.latex and inside and binding.place.at <= place.at:
                text = binding.latex
                found.append((binding.place.at, text))
                if binding.type is not None:
                    ranks.setdefault(text, len(binding.type.shape))
    return [text for _, text in sorted(found, key=lambda f: -f[0])]


def _numbers(source: Source, nodes: list[s.Expr], names: tuple[str, ...], ranks: Mapping[str, int]) -> Iterable[str]:
    """det A, ‖x‖ for the functions that the claim uses and the names in it."""
    for node in nodes:
        match node:
            case s.Call(function=function) if function.base.strip("\\") in NUMBERS:
                for text in names:
                    if ranks.get(text) == 2:
                        yield f"{source.text(function)}({text})"
            case s.Scripted(base=s.Bars(body=body)) | s.Bars(body=body):
                inner = source.text(body)
                whole = source.text(node)
                yield whole
                for text in names:
                    if text != inner and ranks.get(text, 0) >= 1 and inner:
                        yield whole.replace(inner, text, 1)


def _factors(node: s.Expr, scripts: set[int]) -> Iterable[s.Expr]:
    """The factors that occur in an expression, with their scripts; nothing that binds."""
    if id(node) in scripts:
        return
    match node:
        case s.Name() | s.Bars() | s.RootOf():
            yield node
        case s.Scripted():
            yield node
            yield from _factors(node.base, scripts)
        case s.Call(bracketed=True):
            yield node
            for argument in node.arguments:
                yield from _factors(argument, scripts)
        case s.Juxt(items=items) if len(items) > 1 and isinstance(items[0], s.Name) and isinstance(items[1], s.Paren):
            for item in items:
                yield from _factors(item, scripts)
        case s.Choice(options=options):
            yield from _factors(options[0], scripts)
        case s.Derivative() | s.Big():
            for child in s.children(node):
                if not isinstance(child, s.Name):
                    yield from _factors(child, scripts)
        case _:
            for child in s.children(node):
                yield from _factors(child, scripts)


def _terms(source: Source, chain: s.Relation) -> Iterable[str]:
    """Terms of the sides, and what the sides' terms suggest: products of one factor from each of two."""
    found: dict[str, None] = {}
    split: list[list[str]] = []
    for side in reversed(chain.items):
        items = side.items if isinstance(side, s.Infix) and set(side.ops) <= {"+", "-"} else (side,)
        for item in items:
            body = item.body if isinstance(item, s.Sign) else item
            text = source.text(body)
            if not any(isinstance(n, s.Derivative | s.Expectation) for n in walk(body)) and len(text) < 60:
                found.setdefault(text)
                split.append([source.text(f) for f in body.items] if isinstance(body, s.Juxt) else [text])
    crossed: dict[str, None] = {}
    for at, first in enumerate(split):
        for second in split[at + 1 :]:
            if len(first) == len(second) == 2:
                crossed.update(dict.fromkeys(f"{a} {b}" for a in first for b in second if a != b))
    simple = [source.text(n) for n in _factors_once(chain) if len(source.text(n)) < 14][:6]
    crossed.update(dict.fromkeys(f"{a} {b}" for at, a in enumerate(simple) for b in simple[at + 1 :]))
    return [*found, *crossed]


def _factors_once(chain: s.Relation) -> Iterable[s.Expr]:
    """The symbols of the sides, each once."""
    seen: set[str] = set()
    for side in reversed(chain.items):
        for node in _factors(side, set()):
            if isinstance(node, s.Name) and not node.word and (key := spell(node)) not in seen:
                seen.add(key)
                yield node
