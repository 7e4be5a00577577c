"""Changes of an author's LaTeX: which characters are replaced by what, and why an author may have meant it."""

from __future__ import annotations

from msgspec import Struct

from lemmata.latex.tokens import tokenize


class Change(Struct, frozen=True, order=True):
    """The characters from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


class Edit(Struct, frozen=True):
    """One correction: changes that do not overlap, in order."""

    changes: tuple[Change, ...]
    what: str
    """In words, as an author would say it: “transpose”, “factor 2”."""
    cost: float
    """How far it is from what was written; small, conventional slips come first."""
    group: str = ""
    """Edits of one group are the same slip at several places, and may be made together."""

    @property
    def start(self) -> int:
        return self.changes[0].start

    @property
    def end(self) -> int:
        return self.changes[-1].end


def apply(latex: str, changes: tuple[Change, ...]) -> str:
    """The text with every change made."""
    pieces, at = [], 0
    for change in changes:
        text = change.text
        pieces.append(latex[at : change.start])
        if pieces[-1].endswith(("^", "_")) and len(tokenize(text).texts) > 2 and not text.startswith("{"):
            text = f"{{{text}}}"
        if text and glues("".join(pieces), text):
            text = " " + text
        at = change.end
        if glues(text or "".join(pieces), latex[at : at + 1]):
            text += " "
        pieces.append(text)
    return "".join((*pieces, latex[at:]))


def glues(before: str, after: str) -> bool:
    """Whether the two would grow into one token: a command and a letter, two numbers."""
    if not before or not after:
        return False
    if after[0].isalpha():
        last = tokenize(before[-40:]).texts[-2]
        return last.startswith("\\") and last[-1].isalpha()
    return (after[0].isdigit() or after[0] == ".") and (before[-1].isdigit() or before[-1] == ".")


def joined(*pieces: str) -> str:
    """The pieces one after another, with a space where they would grow together."""
    text = ""
    for piece in pieces:
        text += " " + piece if glues(text, piece) else piece
    return text


def overlap(a: Edit, b: Edit) -> bool:
    return any(x.start < y.end and y.start < x.end or x.start == y.start for x in a.changes for y in b.changes)


def together(edits: tuple[Edit, ...], what: str, cost: float) -> Edit:
    """Several edits as one."""
    changes = tuple(sorted(c for e in edits for c in e.changes))
    return Edit(changes, what, cost)


def smallest(latex: str, edited: str) -> Change:
    """The one span in which two texts differ, at whole tokens."""
    old, new = tokenize(latex), tokenize(edited)
    a, b = old.texts[:-1], new.texts[:-1]
    first = 0
    while first < min(len(a), len(b)) and a[first] == b[first]:
        first += 1
    last = 0
    while last < min(len(a), len(b)) - first and a[-1 - last] == b[-1 - last]:
        last += 1
    start = old.starts[first] if first < len(a) else len(latex)
    stop = old.ends[len(a) - 1 - last] if len(a) > last + first else start
    new_start = new.starts[first] if first < len(b) else len(edited)
    new_stop = new.ends[len(b) - 1 - last] if len(b) > last + first else new_start
    return Change(start, stop, edited[new_start:new_stop])


def plain(latex: str) -> str:
    """The text without spaces, braces and brackets: texts that agree in it say the same."""
    layout = {"\\,", "\\;", "\\!", "\\:", "\\ ", "\\left", "\\right", "{", "}", "(", ")", "[", "]", "&", "~"}
    return "".join(t for t in tokenize(latex).texts if t not in layout and t.strip()).strip(".,;")
