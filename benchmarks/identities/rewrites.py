"""Rewrites that keep the meaning: of the tree, of its spelling, of the page around it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from identities.latex import Spelling
from identities.notation import Declaration, Topic
from identities.pages import Layout, needed
from identities.tree import Node

Variant = tuple[Topic, Node, Spelling, Layout]

SPELLINGS: dict[str, list[dict[str, object]]] = {
    "transpose spelled otherwise": [
        {"transpose": t}
        for t in ("^T", r"^{\top}", r"^{\mathsf{T}}", r"^\mathsf{T}", r"^{\mathrm{T}}", r"^\intercal", "^{T}")
    ],
    "bold": [{"bold": "mathbf"}, {"bold": "boldsymbol"}, {"bold": "bm"}],
    "left and right": [{"brackets": "left"}],
    "big brackets": [{"brackets": "big"}],
    "square brackets": [{"brackets": "square"}],
    "fraction spelled otherwise": [{"fraction": "dfrac"}, {"fraction": "tfrac"}],
    "slash": [{"fraction": "slash"}],
    "cdot": [{"scalar_times": r" \cdot "}, {"times": r" \cdot ", "scalar_times": r" \cdot "}],
    "spaces": [
        {"times": r"\,", "scalar_times": r"\,"},
        {"times": r"\; ", "scalar_times": r"\; "},
        {"scalar_times": "~"},
    ],
    "function names": [{"operator": "mathrm"}, {"operator": "text"}],
    "norm bars": [{"norm": r"\lVert"}, {"norm": r"\Vert"}],
    "derivative spelled otherwise": [{"gradient": "frac"}, {"gradient": "operator"}],
    "logarithm": [{"log": r"\ln"}],
    "exponential": [{"exp": "e"}],
    "limits": [{"limits": r"\limits"}, {"limits": r"\nolimits"}],
    "braces": [{"braced": False}],
    "identity": [{"identity": "plain"}],
    "expectation": [{"expect": "E"}, {"expect": r"\operatorname{E}"}, {"expect": r"\mathrm{E}"}],
    "matrix brackets": [{"matrix": "pmatrix"}, {"matrix": "bmatrix"}],
    "hadamard": [{"hadamard": r"\circ"}],
    "inverse transpose": [{"inverse_transpose": "split"}],
    "function power": [{"function_power": True}],
    "sum range": [{"sum_range": "short"}, {"sum_range": "double"}],
    "relation sign": [{"le": r"\leq", "ge": r"\geq"}, {"le": r"\leqslant", "ge": r"\geqslant"}],
    "several spellings": [
        {"transpose": "^T", "bold": "mathbf", "brackets": "left", "log": r"\ln", "norm": r"\lVert", "gradient": "frac"},
        {"transpose": r"^{\mathsf{T}}", "brackets": "big", "fraction": "dfrac", "operator": "mathrm", "braced": False},
        {"transpose": r"^{\top}", "bold": "boldsymbol", "scalar_times": r"\,", "times": r"\,", "matrix": "pmatrix"},
    ],
}
LAYOUTS: dict[str, list[dict[str, object]]] = {
    "other language": [{"language": "other"}],
    "layout of the display": [
        {"display": d} for d in ("lines", "brackets", "align", "aligned", "equation", "inline", "fence")
    ],
    "declarations in a list": [{"declarations": "list"}],
    "declarations one by one": [{"declarations": "single"}],
    "declarations in other order": [{"declarations": "reversed"}],
    "declared after": [{"declarations": "after"}],
    "split over sections": [{"declarations": "section"}],
    "unrelated prose": [{"noise": True}],
    "other lead": [{"lead": k} for k in range(1, 5)],
    "punctuation": [{"punctuation": "."}, {"punctuation": r"\,,"}, {"punctuation": r" ."}],
    "no headings": [{"headings": False}],
    "line ends": [{"crlf": True}],
    "several layouts": [
        {"language": "other", "display": "aligned", "noise": True, "declarations": "section"},
        {"display": "inline", "declarations": "list", "punctuation": ".", "noise": True},
        {"language": "other", "display": "align", "lead": 2, "declarations": "single"},
    ],
}
LETTERS = {
    "matrix": "ABCDFGHKMNPQRSUVWXYZ",
    "vector": "abcghpqrsuvwxyz",
    "family": "abcghpqrsuvwxyz",
    "scalar": ["a", "b", "c", "r", "s", "u", "v", "z", "alpha", "beta", "gamma", "kappa", "tau", "omega", "rho"],
    "index": "ijklrst",
    "size": "nmpqrdsNM",
}
KEPT = frozenset({"e", "i", "E", "T", "I", "d", "pi"})


def variants(topic: Topic, claim: Node, layout: Layout, rng: random.Random) -> Iterator[tuple[str, Variant]]:
    """Every kind of rewrite that changes something, in one variant drawn for it."""
    for kind, options in SPELLINGS.items():
        yield kind, (topic, claim, replace(Spelling(), **rng.choice(options)), layout)  # type: ignore[arg-type]
    for kind, options in LAYOUTS.items():
        change = dict(rng.choice(options))
        if change.get("declarations") == "section" and claim.args[0].op in ("sym", "call", "at"):
            change.pop("declarations")  # under another heading the equation would define anew
        if change.get("language"):
            change["language"] = "zh" if layout.language == "en" else "en"
        yield kind, (topic, claim, Spelling(), replace(layout, **change))  # type: ignore[arg-type]
    for kind, rewrite in TREES.items():
        found = rewrite(claim)
        if found is not None:
            yield kind, (topic, found, Spelling(), layout)
    renamed = rename(topic, claim, rng)
    if renamed is not None:
        yield "renamed symbols", (*renamed, Spelling(), layout)
    renamed = rename(topic, claim, rng, kinds=("size", "index"))
    if renamed is not None:
        yield "renamed sizes and indices", (*renamed, Spelling(), layout)


# --- of the tree ---------------------------------------------------------------------------------------------------


def swap_sides(claim: Node) -> Node | None:
    if claim.op == "in" or claim.args[1].op in ("sym", "call", "I", "num"):
        return None  # what stands alone on the left would be defined
    return Node({"=": "=", "<=": ">=", ">=": "<="}[claim.op], claim.args[::-1])


def swap_terms(claim: Node) -> Node | None:
    """`a + b` as `b + a`, `a - b` as `-b + a`, everywhere."""

    def change(e: Node) -> Node:
        if e.op == "add" and e.args[1].op != "neg" and not _rows(e):
            return Node("add", e.args[::-1])
        if e.op == "sub" and e.args[1].op not in ("neg", "add", "sub"):
            return Node("add", (Node("neg", (e.args[1],)), e.args[0]))
        return e

    found = claim.map(change)
    return found if found != claim else None


def _rows(e: Node) -> bool:
    return e.args[1].op == "sym" and e.args[0].op == "matmul"


def bound_letters(claim: Node) -> Node | None:
    """Other letters for bound indices."""
    used = claim.names
    letters = [x for x in "klrstuvij" if x not in used]

    def change(e: Node) -> Node:
        if e.op not in ("sum", "prod", "mean"):
            return e
        old, new = e.args[0].name, letters[ord(e.args[0].name[0]) % len(letters)]
        body = e.args[3].map(lambda n: Node("sym", (), new) if n.op == "sym" and n.name == old else n)
        return Node(e.op, (Node("sym", (), new), *e.args[1:3], body))

    if len(letters) < 3:
        return None
    olds = {n.args[0].name for _, n in claim.walk() if n.op in ("sum", "prod", "mean")}
    if len({ord(o[0]) % len(letters) for o in olds}) != len(olds):
        return None
    found = claim.map(change)
    return found if found != claim else None


def transposed_sides(claim: Node) -> Node | None:
    """Both sides of an equation between products, transposed."""
    if claim.op != "=" or not all(_matrix(side) for side in claim.args):
        return None
    return Node("=", tuple(Node("T", (s,)) for s in claim.args))


def _matrix(e: Node) -> bool:
    return e.op in ("inv", "T", "kron", "matmul") and not _maybe_number(e)


def _maybe_number(e: Node) -> bool:
    return e.op == "matmul" and any(n.op == "T" for n in (e.args[0], e.args[0].args[0] if e.args[0].args else e))


def moved(claim: Node) -> Node | None:
    """The last term brought to the other side."""
    if claim.op == "in" or any(n.op in ("ones", "zeros") for _, n in claim.walk()):
        return None
    left, right = claim.args
    if right.op == "add" and not _rows(right):
        return Node(claim.op, (Node("sub", (left, right.args[1])), right.args[0]))
    if right.op == "sub":
        return Node(claim.op, (Node("add", (left, right.args[1])), right.args[0]))
    return None


def doubled(claim: Node) -> Node | None:
    """Both sides times two."""
    if claim.op == "in" or any(side.op in ("sum", "mean", "prod", "add", "sub") for side in claim.args):
        return None
    return Node(claim.op, tuple(Node("mul", (Node("num", (), "2"), s)) for s in claim.args))


def root_as_power(claim: Node) -> Node | None:
    half = Node("div", (Node("num", (), "1"), Node("num", (), "2")))
    found = claim.map(lambda e: Node("pow", (e.args[0], half)) if e.op == "sqrt" else e)
    return found if found != claim else None


def negative_factored(claim: Node) -> Node | None:
    """`a - b` on the right as `-(b - a)`."""
    right = claim.args[1]
    if right.op != "sub":
        return None
    return Node(claim.op, (claim.args[0], Node("neg", (Node("sub", right.args[::-1]),))))


def inverse_as_quotient(claim: Node) -> Node | None:
    """`a / b` of numbers as a power: `b^{-1} a`."""

    def change(e: Node) -> Node:
        if e.op == "div" and e.args[0].op == "num" and e.args[1].op == "sym":
            power = Node("pow", (e.args[1], Node("neg", (Node("num", (), "1"),))))
            return power if e.args[0].name == "1" else Node("mul", (e.args[0], power))
        return e

    found = claim.map(change)
    return found if found != claim else None


TREES: dict[str, Callable[[Node], Node | None]] = {
    "sides swapped": swap_sides,
    "terms swapped": swap_terms,
    "other bound letters": bound_letters,
    "both sides transposed": transposed_sides,
    "a term moved across": moved,
    "both sides doubled": doubled,
    "root as a power": root_as_power,
    "minus factored out": negative_factored,
    "quotient as a power": inverse_as_quotient,
}


# --- of the names --------------------------------------------------------------------------------------------------


def rename(
    topic: Topic, claim: Node, rng: random.Random, kinds: tuple[str, ...] = ("matrix", "vector", "scalar", "family")
) -> tuple[Topic, Node] | None:
    """Other letters of the same habit for declared symbols, sizes or indices."""
    names = needed(topic, claim)
    bound = {n.args[0].name for _, n in claim.walk() if n.op in ("sum", "prod", "mean")}
    bound |= {n.args[0].name for _, b in topic.definitions for _, n in b.walk() if n.op in ("sum", "prod", "mean")}
    sizes = {s for d in topic.declarations for s in (*d.shape, d.high) if s.isidentifier()}
    taken = set(names) | sizes | bound | KEPT | {d.name for d in topic.declarations}
    taken |= {h.args[0].name if h.op == "at" else h.name for h, _ in topic.definitions}
    arguments = {a.name for h, _ in topic.definitions for a in h.args}
    mapping: dict[str, str] = {}
    for kind in kinds:
        if kind == "size":
            olds = sorted(s for s in sizes if len(s) == 1 and s not in topic.size_rules)
        else:
            olds = [d.name for d in topic.declarations if d.kind == kind and d.name in names and len(d.name) == 1]
            olds = [o for o in olds if o not in KEPT and (kind != "index" or o not in arguments)]
        free = [c for c in LETTERS[kind] if c not in taken]
        rng.shuffle(free)
        for old, new in zip(olds, free):
            mapping[old] = new
            taken.add(new)
    if not mapping:
        return None

    def change(e: Node) -> Node:
        return Node(e.op, e.args, mapping.get(e.name, e.name)) if e.op in ("sym", "call") else e

    def text(word: str) -> str:
        return mapping.get(word, word)

    def declared(d: Declaration) -> Declaration:
        return Declaration(
            text(d.name), d.kind, tuple(map(text, d.shape)), d.properties, text(d.low), text(d.high),
            d.random[:1] + tuple(map(text, d.random[1:])),
        )  # fmt: skip

    other = Topic(
        topic.title,
        tuple(map(declared, topic.declarations)),
        tuple((h.map(change), b.map(change)) for h, b in topic.definitions),
        (),
        {text(k): r.map(change) for k, r in topic.size_rules.items()},
        topic.source,
    )
    return other, claim.map(change)
