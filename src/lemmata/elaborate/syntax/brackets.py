"""Pairing of plain brackets and bars, without recursion over the formula."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lemmata.elaborate.syntax.token import Token

_CLOSERS = {"(": ")]", "[": "])", "{": "}", "\\langle": ("\\rangle",), "\\lfloor": ("\\rfloor",),
            "\\lceil": ("\\rceil",),
            "[[": ("]]",), "\\lvert": ("\\rvert",), "\\lVert": ("\\rVert",), "\\lAngle": ("\\rAngle",),
            "\\ulcorner": ("\\urcorner",), "\\llcorner": ("\\lrcorner",),
            "\\lmoustache": ("\\rmoustache",)}  # fmt: skip
MAX_BARS = 14
_BREAKS = frozenset({"row", "quad", "column", "words"})
_OPERATORS = frozenset({"bin", "rel", "punct", "big", "op", "sep", "open", *_BREAKS, "align"})


def pair(items: Sequence[Token], bracketed: bool = False) -> list[Token]:
    """Brackets and bars as `group` tokens. What never closes, or closes nothing, is a `gap`."""
    levels: list[tuple[Token | None, list[Token]]] = [(None, [])]
    for token in items:
        if token.kind == "open":
            levels.append((token, []))
        elif token.kind == "close":
            opening = levels[-1][0]
            if opening is not None and token.name in _CLOSERS.get(opening.name, ""):
                inner = levels.pop()[1]
                levels[-1][1].append(_group(opening, token, inner))
            else:
                levels[-1][1].append(_gap(token, token.end, f"`{token.name}` closes nothing"))
        else:
            levels[-1][1].append(token)
    while len(levels) > 1:
        opening, inner = levels.pop()
        assert opening is not None
        end = inner[-1].end if inner else opening.end
        levels[-1][1].append(_gap(opening, end, f"`{opening.name}` is never closed"))
    return _bars(levels[0][1], bracketed)


def _group(opening: Token, closing: Token, inner: list[Token]) -> Token:
    if inner:
        inner[0].tight = False
    name = {"\\lvert": "|", "\\lVert": "||"}.get(opening.name, opening.name)
    close = {"\\rvert": "|", "\\rVert": "||"}.get(closing.name, closing.name)
    return Token("group", name, opening.start, closing.end, inner=tuple(inner), close=close, sub=closing.sub,
                 sup=closing.sup, primes=closing.primes, space=opening.space, tight=opening.tight)  # fmt: skip


def _gap(token: Token, end: int, reason: str) -> Token:
    return Token("gap", reason, token.start, end, space=token.space)


def _bars(items: list[Token], bracketed: bool) -> list[Token]:
    """The bars of one level, each opening, closing, separating or evaluating, whichever costs least."""
    if not any(t.kind == "bar" for t in items):
        return items
    out: list[Token] = []
    part: list[Token] = []
    for token in items:
        if token.kind in _BREAKS and not bracketed:
            out += _bars_of_part(part, bracketed)
            out.append(token)
            part = []
        else:
            part.append(token)
    return out + _bars_of_part(part, bracketed)


def _bars_of_part(items: list[Token], bracketed: bool) -> list[Token]:
    if not any(t.kind == "bar" for t in items):
        return items
    merged = _merge(items)
    best: tuple[int, tuple[str, ...]] | None = None
    chosen = items
    for candidate in (merged, items):
        roles = _roles(candidate, bracketed)
        if roles is not None and (best is None or roles[0] < best[0]):
            best, chosen = roles, candidate
        if len(merged) == len(items):
            break
    if best is None:
        return [_gap(t, t.end, "a bar without its partner") if t.kind == "bar" else t for t in items]
    return _build(chosen, best[1])


def _merge(items: list[Token]) -> list[Token]:
    """Two bars typed without a space are a double bar."""
    out: list[Token] = []
    for token in items:
        before = out[-1] if out else None
        if token.kind == "bar" == (before.kind if before else "") and token.tight and before is not None:
            if before.name == token.name and before.bare:
                out[-1] = Token("bar", "||", before.start, token.end, sub=token.sub, sup=token.sup, primes=token.primes,
                                space=before.space, tight=before.tight)  # fmt: skip
                continue
        out.append(token)
    return out


def _roles(items: list[Token], bracketed: bool) -> tuple[int, tuple[str, ...]] | None:
    """(cost, role of each bar) of the cheapest consistent assignment."""
    bars = [i for i, t in enumerate(items) if t.kind == "bar"]
    if len(bars) > MAX_BARS:
        return _alternating(items, bars)

    @cache
    def best(at: int, stack: tuple[str, ...], last: str) -> tuple[int, tuple[str, ...]] | None:
        if at == len(bars):
            return (0, ()) if not stack else None
        place = bars[at]
        before = items[place - 1] if place else None
        after = items[place + 1] if place + 1 < len(items) else None
        if before is not None and before.kind == "bar":
            operand_before = last in ("close", "eval")
        else:
            operand_before = before is not None and before.kind not in _OPERATORS
        found: tuple[int, tuple[str, ...]] | None = None
        for role, cost, rest in _options(items[place], operand_before, before, after, stack, bracketed):
            tail = best(at + 1, rest, role)
            if tail is not None and (found is None or cost + tail[0] < found[0]):
                found = (cost + tail[0], (role, *tail[1]))
        return found

    return best(0, (), "")


def _options(
    token: Token,
    operand_before: bool,
    before: Token | None,
    after: Token | None,
    stack: tuple[str, ...],
    bracketed: bool,
) -> list[tuple[str, int, tuple[str, ...]]]:
    """(role, cost, stack afterwards): a bar after an operand rather closes, one before an operand rather opens."""
    something_after = after is not None and after.kind not in _BREAKS
    operand_after = after is not None and something_after and after.kind not in ("rel", "punct") and (
        after.kind != "bin" or after.name in ("+", "-", "*", "\\cdot", "\\pm")
    )  # fmt: skip
    placeholder = before is not None and before.kind == "bin" and before.name in ("\\cdot", "*")
    options: list[tuple[str, int, tuple[str, ...]]] = []
    if stack and stack[-1] == token.name and (operand_before or placeholder):
        options.append(("close", 0 if operand_before else 1, stack[:-1]))
    if operand_after and token.bare:
        options.append(("open", 2 if operand_before else 0, (*stack, token.name)))
    if operand_before and token.sub is not None:
        options.append(("eval", 1, stack))
    if (operand_before or placeholder) and something_after and token.bare:
        options.append(("sep", 3 if bracketed else 5, stack))
    return options


def _alternating(items: list[Token], bars: list[int]) -> tuple[int, tuple[str, ...]] | None:
    if len(bars) % 2:
        return None
    names = [items[i].name for i in bars]
    if any(a != b for a, b in zip(names[::2], names[1::2], strict=True)):
        return None
    return 0, ("open", "close") * (len(bars) // 2)


def _build(items: list[Token], roles: tuple[str, ...]) -> list[Token]:
    levels: list[tuple[Token | None, list[Token]]] = [(None, [])]
    remaining = iter(roles)
    for token in items:
        role = next(remaining) if token.kind == "bar" else ""
        if role == "open":
            levels.append((token, []))
        elif role == "close":
            opening, inner = levels.pop()
            assert opening is not None
            levels[-1][1].append(_norm_of(_group(opening, token, inner)))
        elif role in ("eval", "sep"):
            token.kind = role
            levels[-1][1].append(token)
        else:
            levels[-1][1].append(token)
    return levels[0][1]


def _norm_of(group: Token) -> Token:
    """|(|x|)| typed bar by bar is the norm."""
    if group.name == "|" and len(group.inner) == 1:
        inner = group.inner[0]
        if inner.kind == "group" and inner.name == "|" and inner.bare and inner.start == group.start + 1:
            group.name = group.close = "||"
            group.inner = inner.inner
    return group
