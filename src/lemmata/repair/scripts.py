"""Slips in what hangs on symbols: indices, exponents, bounds of sums, numbers, and one symbol for another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, stem, walk
from lemmata.repair.edit import Change, Edit
from lemmata.repair.source import TRANSPOSES, Source

if TYPE_CHECKING:
    from lemmata.repair.operators import Editor


def _edit(node: s.Expr, text: str, what: str, cost: float) -> Edit:
    return Edit((Change(node.start, node.end, text),), what, cost, what)


def number(source: Source, node: s.Num) -> Iterator[Edit]:
    """Another small number; a coefficient that belongs elsewhere is dropped with the other factors."""
    value, text = node.value, source.text(node)
    if value.denominator != 1 or abs(value) > 1000:
        return
    k = int(value)
    for other, cost in ((2 * k, 1.0), (k // 2 if k % 2 == 0 else 0, 1.0), (k + 1, 1.1), (k - 1, 1.1), (3 * k, 1.6)):
        if other > 0 or (other == 0 and k == 1):
            yield _edit(node, str(other), f"{other} for {text}", cost)


def name(e: Editor, node: s.Name) -> Iterator[Edit]:
    """Another index, another symbol of the same kind, or the value in an exponent."""
    text = e.source.text(node)
    if node.sub is not None:
        yield from indices(e, node.sub)
    if node.base == "e" and node.sup is not None and not node.accents:
        yield from e.unit(node.sup, "exponent")
    script = e.source.script(node)
    sup = e.source.sup(node).strip()
    keeps = sup in TRANSPOSES or sup in ("-1", "2") or sup.startswith("-")
    bare = e.source.with_sup(node, "") if keeps else text
    rank = e.pool.ranks.get(bare)
    for at, other in enumerate((*e.pool.names, *(x for x in e.pool.sizes if x not in e.pool.names))):
        their = e.pool.ranks.get(other)
        if other == bare or rank is not None and their is not None and rank != their:
            continue
        if bare in e.pool.sizes and other not in e.pool.sizes and their != 0:
            continue
        spelled = (
            f"{other}^{e.source.latex[script.sup.start : script.sup.end]}" if keeps and script and script.sup else other
        )
        alike = 0.4 if bare in other or other in bare or bare in e.pool.sizes and other in e.pool.sizes else 0.0
        yield _edit(node, spelled, f"{other} for {bare}", 1.6 - alike + 0.03 * at)


def indices(e: Editor, sub: s.Expr) -> Iterator[Edit]:
    """Another index letter, two exchanged, one step earlier or later."""
    source = e.source
    items = script_items(sub)
    if isinstance(sub, s.Paren):
        return
    letters = [i for i in items if isinstance(i, s.Name) and i.sub is None and i.base in e.pool.letters]
    for at, item in enumerate(items):
        text = source.text(item)
        if item in letters:
            for other in e.pool.letters:
                if other != text:
                    yield _edit(item, other, f"index {other} for {text}", 1.15)
            if len(items) == 1:
                yield _edit(item, f"{text}-1", f"index {text}−1 for {text}", 1.2)
                yield _edit(item, f"{text}+1", f"index {text}+1 for {text}", 1.25)
        elif isinstance(item, s.Infix):
            yield from shifted(source, item, 1.2)
        elif isinstance(item, s.Name):
            for size in e.pool.sizes:
                if size != text:
                    yield _edit(item, size, f"{size} for {text}", 1.3)
        elif isinstance(item, s.Num) and item.value.denominator == 1 and item.value < 100:
            for k in (int(item.value) + 1, int(item.value) - 1):
                if k >= 0:
                    yield _edit(item, str(k), f"index {k} for {text}", 1.5)
        for other_at in range(at + 1, len(items)):
            other_item = items[other_at]
            theirs = source.text(other_item)
            if theirs != text:
                changes = (
                    Change(item.start, item.end, theirs),
                    Change(other_item.start, other_item.end, text),
                )
                yield Edit(changes, f"indices {text} and {theirs} exchanged", 1.05, "indices exchanged")


def shifted(source: Source, node: s.Infix, cost: float) -> Iterator[Edit]:
    """t-1 for t, n-k+1 for n-k, i+j for i-j."""
    items, ops = node.items, node.ops
    for at, op in enumerate(ops):
        if op not in ("+", "-"):
            continue
        where = source.latex.find(op, items[at].end, items[at + 1].start)
        if where >= 0:
            yield Edit(
                (Change(where, where + 1, "-" if op == "+" else "+"),), "sign", cost, f"sign in {source.text(node)}"
            )
        what = f"without {op}{source.text(items[at + 1])}"
        yield Edit((Change(items[at].end, items[at + 1].end, ""),), what, cost, what)
    if len(items) == 2 and ops == ("-",):
        yield _edit(node, source.arranged(node.items, (1, 0)), "the difference the other way round", cost)
    if not isinstance(items[-1], s.Num):
        for step in ("+1", "-1"):
            what = f"{source.text(node)}{step} for {source.text(node)}"
            yield Edit((Change(node.end, node.end, step),), what, cost, what)


def exponent(e: Editor, node: s.Expr, sup: str) -> Iterator[Edit]:
    """Another power."""
    base = e.source.with_sup(node, "")
    tree = node.sup if isinstance(node, s.Name | s.Scripted) else None
    if sup.lstrip("-").isdigit():
        k = int(sup)
        for other, cost in ((k + 1, 1.1), (k - 1, 1.1), (-k, 1.3), (2 * k, 1.4)):
            if other not in (0, k):
                yield _edit(
                    node,
                    e.source.with_sup(node, "" if other == 1 else str(other)),
                    f"{base} to the power {other}",
                    cost,
                )
        if k == 2:
            yield _edit(node, f"\\sqrt{{{base}}}", f"root of {base}", 1.6)
        return
    if isinstance(tree, s.Infix):
        yield from shifted(e.source, tree, 1.1)
        for item in tree.items:
            yield from e.factor(item)
    elif isinstance(tree, s.Name) and sup not in TRANSPOSES:
        for step in ("-1", "+1"):
            yield _edit(node, e.source.with_sup(node, sup + step), f"exponent {sup}{step} for {sup}", 1.2)
        for size in e.pool.sizes:
            if size != sup:
                yield _edit(node, e.source.with_sup(node, size), f"exponent {size} for {sup}", 1.25)


def big(e: Editor, node: s.Big) -> Iterator[Edit]:
    """The bounds of a sum: its first and last value, its range, its letter; a mean for a sum."""
    source, lower, upper = e.source, node.lower, node.upper
    if isinstance(lower, s.Relation) and len(lower.items) == 2 and lower.ops == ("=",):
        head, start = lower.items
        letter, first = source.text(head), source.text(start)
        for text, cost in _near(start, first):
            yield _edit(start, text, f"from {letter} = {text}", cost)
        if upper is not None:
            last = source.text(upper)
            stop = Change(upper.start, upper.end, "")
            for text, cost in _near(upper, last):
                yield Edit((Change(stop.start, stop.end, text),), f"up to {text}", cost, f"up to {text}")
            for size in e.pool.sizes:
                if size != last:
                    yield Edit((Change(stop.start, stop.end, size),), f"up to {size}", 1.3, f"up to {size}")
            if not isinstance(start, s.Num):
                changes = (Change(start.start, start.end, "1"), Change(stop.start, stop.end, first))
                yield Edit(changes, f"{letter} from 1 to {first}", 1.4, f"{letter} from 1 to {first}")
            for size in e.pool.sizes:
                if not isinstance(upper, s.Num) and isinstance(start, s.Num) and last in e.pool.letters:
                    changes = (Change(start.start, start.end, last), Change(stop.start, stop.end, size))
                    what = f"{letter} from {last} to {size}"
                    yield Edit(changes, what, 1.4, what)
            if isinstance(head, s.Name):
                yield from other_axis(e, node, letter, upper)
            if isinstance(head, s.Name) and isinstance(start, s.Num):
                for other in e.pool.letters:
                    for size in e.pool.sizes:
                        if other != letter and size != last:
                            changes = (Change(head.start, head.end, other), Change(stop.start, stop.end, size))
                            yield Edit(changes, f"sum over {other} up to {size}", 1.5)
    elif isinstance(lower, s.Name):
        for other in e.pool.letters:
            if other != source.text(lower):
                yield _edit(lower, other, f"over {other}", 1.3)
    if node.op in ("\\max", "\\min"):
        other = "\\min" if node.op == "\\max" else "\\max"
        yield Edit((Change(node.start, node.start + len(node.op), other),), f"{other} for {node.op}", 1.3)
    if node.op in ("\\sum", "\\prod") and source.latex.startswith(node.op, node.start):
        other = "\\prod" if node.op == "\\sum" else "\\sum"
        yield Edit((Change(node.start, node.start + len(node.op), other),), f"{other} for {node.op}", 1.6)


def exchanged(e: Editor, side: s.Expr) -> Iterator[Edit]:
    """Two symbols, sizes or indices of one kind taken for each other throughout a side."""
    places: dict[str, list[tuple[int, int]]] = {}
    for node in walk(side):
        if isinstance(node, s.Name) and not node.word:
            script = e.source.script(node)
            sup = e.source.sup(node).strip()
            keeps = sup in TRANSPOSES or sup.lstrip("-").isdigit() or sup.startswith("-")
            text = e.source.with_sup(node, "") if keeps else e.source.text(node)
            end = node.end
            if keeps and script is not None and script.sup is not None:
                end = script.base.end if script.sub is None else max(script.base.end, script.sub.end)
            if e.source.latex[node.start : end] == text:
                places.setdefault(text, []).append((node.start, end))
    kinds = {x: "size" if x in e.pool.sizes else "letter" if x in e.pool.letters else "symbol" for x in places}
    for a, b in combinations(places, 2):
        known = e.pool.ranks.get(a), e.pool.ranks.get(b)
        if kinds[a] != kinds[b] or None not in known and known[0] != known[1]:
            continue
        changes = [Change(x, y, b) for x, y in places[a]] + [Change(x, y, a) for x, y in places[b]]
        changes.sort()
        if len(changes) <= 8 and all(p.end <= q.start for p, q in zip(changes, changes[1:], strict=False)):
            yield Edit(tuple(changes), f"{a} and {b} exchanged", 1.3 if len(changes) == 2 else 1.45, "exchanged")


def other_axis(e: Editor, node: s.Big, letter: str, upper: s.Expr) -> Iterator[Edit]:
    """A sum along the wrong axis: Σ_l S_{lj} for Σ_l S_{il}, with the range that belongs to it."""
    last = e.source.text(upper)
    for inner in walk(node.body):
        if not isinstance(inner, s.Name) or inner.sub is None:
            continue
        items = script_items(inner.sub)
        texts = [e.source.text(i) for i in items]
        if len(items) != 2 or letter not in texts:
            continue
        for other in e.pool.letters:
            if other == letter:
                continue
            new = (other, letter) if texts[0] == letter else (letter, other)
            subs = tuple(Change(i.start, i.end, x) for i, x in zip(items, new, strict=True))
            for size in (last, *(x for x in e.pool.sizes if x != last)):
                bound = (Change(upper.start, upper.end, size),) if size != last else ()
                yield Edit(tuple(sorted((*subs, *bound))), f"the sum over the other index of {stem(inner)}", 1.6)


def _near(node: s.Expr, text: str) -> Iterator[tuple[str, float]]:
    """Bounds one step away."""
    if isinstance(node, s.Num):
        k = int(node.value)
        yield str(k + 1), 1.2
        if k > 0:
            yield str(k - 1), 1.2
        return
    if isinstance(node, s.Infix) and isinstance(node.items[-1], s.Num) and node.ops[-1] in ("+", "-"):
        cut = node.items[-2].end - node.start
        yield text[:cut], 1.2
        flipped = text[:cut] + text[cut:].replace(node.ops[-1], "-" if node.ops[-1] == "+" else "+", 1)
        yield flipped, 1.3
        return
    yield f"{text}-1", 1.2
    yield f"{text}+1", 1.2
