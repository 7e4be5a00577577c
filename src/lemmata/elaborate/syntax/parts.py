"""A formula cut into its statement-like parts: at wide spaces, words, rows, and commas between complete relations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import TextRun

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

_OPERATOR = ("rel", "bin")
_QUANTIFIERS = {"\\forall": "for all", "\\exists": "there exists", "\\nexists": "there is no",
                "\\therefore": "therefore", "\\because": "because"}  # fmt: skip


_LIST = 64
"""How many members of a list are looked at to see which relation it belongs to."""


class Piece(Struct):
    """The tokens of one part, with the words before it and the row in which it begins."""

    lead: str
    row: int
    tokens: list[Token] = field(default_factory=list)
    words: Token | None = None
    """Words that nothing follows; then there are no tokens."""
    joined: bool = False
    """Separated from the part before by \\land, \\lor or a word like `and`."""


def pieces(items: Sequence[Token]) -> list[Piece]:
    """The parts of a list of tokens, in order."""
    found: list[Piece] = []
    for segment in _segments(items):
        if segment.words is not None:
            found.append(segment)
            continue
        lead = segment.lead
        for tokens in _by_commas(segment.tokens):
            found.append(Piece(lead, segment.row, tokens, joined=segment.joined and lead == segment.lead))
            lead = ""
    return _without_number(_names_joined(found))


def _segments(items: Sequence[Token]) -> list[Piece]:
    """Cut at words, wide spaces, rows and columns.

    A row that goes on with an operator continues the part before; where that row held words or a second column, such
    as a comment, it continues the part with which the row began.
    """
    cutter = _Cutter()
    for at, token in enumerate(items):
        cutter.take(items, at, token)
    return cutter.finish()


class _Cutter:
    def __init__(self) -> None:
        self.found: list[Piece] = []
        self.current = Piece("", 0)
        self.words: Token | None = None
        self.row = 0
        self.head: Piece | None = None
        """The part with which the current row began."""
        self.commented = False
        """The current row has words or a second column."""
        self.row_begins = False
        """Nothing of the current row has been read but space."""

    def take(self, items: Sequence[Token], at: int, token: Token) -> None:
        following = _next(items, at)
        match token.kind:
            case "words":
                self.flush()
                self.row_begins = False
                self.lead(token, token.name)
                self.commented = True
            case "quad":
                if not self.row_begins and not _goes_on(self.current.tokens, following):
                    self.flush()
            case "column":
                if following is not None and not _goes_on(self.current.tokens, following):
                    self.flush()
                self.commented = True
            case "row" if following is None or _next_row(items, at):
                self.row = int(token.name) if token.name else self.row + 1
            case "row":
                self.next_row(items, at, int(token.name) if token.name else self.row + 1)
            case "align":
                pass
            case "sep" if token.name in ("\\land", "\\lor"):
                self.flush()
                self.current.lead = {"\\land": "and", "\\lor": "or"}[token.name]
                self.current.joined = True
            case "rel" | "other" if token.name in _QUANTIFIERS:
                self.flush()
                self.lead(token, _QUANTIFIERS[token.name])
            case "rel" if token.name == ":" and _is_label(self.current.tokens, items[at : at + 64]):
                label = self.current.tokens.pop()
                self.lead(label, label.name)
            case _:
                self.head = self.head or self.current
                self.row_begins = False
                self.current.tokens.append(token)

    def lead(self, token: Token, text: str) -> None:
        self.current.lead = f"{self.current.lead} {text}".strip()
        self.current.row = self.row
        self.words = token

    def flush(self) -> None:
        if _trimmed(self.current.tokens):
            self.found.append(self.current)
            self.words = None
            self.current = Piece("", self.row)
        else:
            self.current.row = self.row
            self.current.tokens.clear()

    def next_row(self, items: Sequence[Token], at: int, row: int) -> None:
        head = self.head
        if self.commented and head is not None and head.tokens and _continues_row(head.tokens, items, at):
            self.flush()
            self.drop_words()
            if head is not self.current:
                self.found.remove(head)
                self.current = head
        if _continues_row(self.current.tokens, items, at):
            self.current.tokens[:] = _trimmed(self.current.tokens)
            self.head = self.current
        else:
            self.flush()
            self.current.row = row
            self.head = None
        self.row = row
        self.commented = False
        self.row_begins = True

    def drop_words(self) -> None:
        """Words that nothing followed stand as a part of their own."""
        if self.words is not None and self.current.lead and not self.current.tokens:
            self.found.append(Piece(self.current.lead, self.current.row, words=self.words))
        self.words = None
        self.current = Piece("", self.row)

    def finish(self) -> list[Piece]:
        self.flush()
        self.drop_words()
        return sorted(self.found, key=lambda x: x.words.start if x.words is not None else x.tokens[0].start)


def _is_label(items: Sequence[Token], after: Sequence[Token]) -> bool:
    """\\text{Ratio}: a = b begins with a word that only announces what follows; \\text{head}: A \\to B does not."""
    if any(t.kind == "rel" and t.name in ("\\to", "\\mapsto") for t in after):
        return False
    return len(items) == 1 and items[0].kind == "word" and items[0].bare and isinstance(items[0].node, TextRun)


def _next(items: Sequence[Token], at: int) -> Token | None:
    for token in items[at + 1 :]:
        if token.kind not in ("align", "column", "quad"):
            return token
    return None


def _next_row(items: Sequence[Token], at: int) -> bool:
    """Whether the row that begins here is empty."""
    following = _next(items, at)
    return following is not None and following.kind == "row"


def _goes_on(current: Sequence[Token], following: Token | None) -> bool:
    """Whether a wide space stands inside a part: beside an operator, or in a list with dots."""
    if following is None:
        return False
    if not current:
        return True
    last = current[-1]
    if last.kind in _OPERATOR or following.kind == "rel":
        return True
    if following.kind == "bin" and following.name != "-":
        return True
    if last.kind == "punct" and (following.kind == "dots" or len(current) > 1 and current[-2].kind == "dots"):
        return True
    return following.kind == "punct"


def _continues_row(current: Sequence[Token], items: Sequence[Token], at: int) -> bool:
    if not current:
        return False
    following = _next(items, at)
    if following is None or following.kind == "words":
        return False
    if current[-1].kind in _OPERATOR and current[-1].bare:
        return True
    if following.kind == "rel":
        return True
    if following.kind == "bin":
        if following.name not in v.SIGNS:
            return True
        aligned = any(t.kind in ("align", "column") for t in items[at + 1 : at + 3])
        indented = aligned and items[at + 1].kind in ("align", "column")
        return indented or not _row_has_relation(items, at)
    return False


def _row_has_relation(items: Sequence[Token], at: int) -> bool:
    for token in items[at + 1 :]:
        if token.kind == "row":
            return False
        if token.kind == "rel":
            return True
    return False


def _trimmed(items: Sequence[Token]) -> list[Token]:
    """Without punctuation at its ends."""
    first, last = 0, len(items)
    while first < last and items[first].kind == "punct":
        first += 1
    while last > first and items[last - 1].bare and (items[last - 1].kind == "punct" or _is_colon(items[last - 1])):
        last -= 1
    return list(items[first:last])


def _is_colon(token: Token) -> bool:
    return token.kind == "rel" and token.name == ":"


def _relates(items: Sequence[Token]) -> bool:
    return any(t.kind == "rel" for t in items)


def _by_commas(items: Sequence[Token]) -> list[list[Token]]:
    """Commas between complete relations separate statements; all others make lists."""
    groups: list[list[Token]] = [[]]
    marks: list[Token] = []
    for token in _trimmed(items):
        if token.kind == "punct":
            groups.append([])
            marks.append(token)
        else:
            groups[-1].append(token)
    found: list[list[Token]] = []
    current = list(groups[0])
    related = _relates(current)
    last_relation = max((k for k, g in enumerate(groups) if _relates(g)), default=-1)
    for at in range(1, len(groups)):
        here = groups[at]
        if here and here[0].kind == "rel" and here[0].name not in ("<", ">") and current:
            current += here
            related = True
            continue
        ends = related and at <= last_relation and (_relates(here) or _begins_next(groups, at))
        stops = marks[at - 1].name != "," and (related or at <= last_relation)
        if ends or stops and here:
            found.append(current)
            current = list(here)
            related = _relates(here)
        else:
            current += [marks[at - 1], *here]
            related = related or _relates(here)
    found.append(current)
    return [x for x in (_trimmed(f) for f in found) if x]


def _begins_next(groups: Sequence[Sequence[Token]], at: int) -> bool:
    """`x = 1, y, z > 0`: whether a piece without a relation belongs to the relation after it, not before."""
    later = next((k for k in range(at, min(len(groups), at + _LIST)) if _relates(groups[k])), None)
    if later is None:
        return False
    between = groups[at:later]
    if any(t.kind == "dots" for g in between for t in g):
        last_dots = max(k for k in range(at, later) if any(t.kind == "dots" for t in groups[k]))
        return at > last_dots + 1
    before = groups[at - 1]
    if before and before[-1].kind == "dots":
        return False
    return not all(len(g) == 1 and g[0].kind == "number" for g in between)


def _names_joined(found: list[Piece]) -> list[Piece]:
    """`x \\text{ and } y > 0` is about both."""
    out: list[Piece] = []
    for piece in found:
        before = out[-1] if out else None
        if (
            before is not None
            and before.tokens
            and piece.tokens
            and piece.lead.lower() in v.JOINS
            and not piece.joined
            and not _relates(before.tokens)
            and _relates(piece.tokens)
            and all(t.kind in ("letter", "word", "punct") for t in before.tokens)
        ):
            edge = piece.tokens[0].start
            before.tokens += [Token("punct", ",", edge, edge), *piece.tokens]
        else:
            out.append(piece)
    return out


def _without_number(found: list[Piece]) -> list[Piece]:
    """The number of an equation at its end, `(1)` after a wide space or dots, is no part of it."""
    if len(found) > 1 and _is_number(found[-1].tokens) and not found[-1].lead:
        return found[:-1]
    if found and len(found[-1].tokens) > 2:
        tail = found[-1].tokens
        if _is_number(tail[-1:]) and tail[-2].kind == "dots" and tail[-3].kind not in ("bin", "punct", "rel"):
            kept = len(tail) - 1
            while kept and tail[kept - 1].kind == "dots":
                kept -= 1
            found[-1].tokens = tail[:kept]
    return found


def _is_number(items: Sequence[Token]) -> bool:
    if len(items) != 1 or items[0].kind != "group" or items[0].name != "(" or not items[0].bare:
        return False
    inner = items[0].inner
    return 0 < len(inner) <= 3 and all(
        t.kind in ("number", "punct") or (t.kind == "bin" and t.name == "-") for t in inner
    )


def read(p: Parser, piece: Piece) -> s.Expr:
    """The expression of one part."""
    if piece.words is not None:
        return s.Words(piece.words.start, piece.words.end, piece.lead)
    return p.deeper(piece.tokens, p.mode).statement()


def combined(p: Parser) -> s.Expr:
    """All parts as one expression: a list where there are several."""
    found = pieces(p.tokens)
    if not found:
        start = p.tokens[0].start
        return s.Mark(start, p.tokens[-1].end, v.MARKS.get(p.tokens[0].name, p.tokens[0].name or v.BLANK))
    items: list[s.Expr] = []
    separators: list[str] = []
    for piece in found:
        if items:
            separators.append(piece.lead if piece.joined else ",")
        if piece.lead and piece.words is None and not piece.joined:
            edge = piece.tokens[0].start
            items.append(s.Words(edge, edge, piece.lead))
            separators.append(" ")
        items.append(read(p, piece))
    if len(items) == 1:
        return items[0]
    return s.Listing(items[0].start, items[-1].end, tuple(items), tuple(separators))


def condition(p: Parser, found: Sequence[Piece]) -> s.Expr | None:
    """The condition of a case: its relations, or the word `otherwise`; leading words such as `if` are dropped."""
    items: list[s.Expr] = []
    separators: list[str] = []
    for piece in found:
        if items:
            separators.append(piece.lead or ",")
        items.append(read(p, piece))
    if not items:
        return None
    match items:
        case [s.Name(word=True, sub=None, sup=None, base=base) as word] if base.lower() in ("otherwise", "else"):
            return s.Words(word.start, word.end, base)  # written as a name: \mathrm{otherwise}
        case [only]:
            return only
    return s.Listing(items[0].start, items[-1].end, tuple(items), tuple(separators))
