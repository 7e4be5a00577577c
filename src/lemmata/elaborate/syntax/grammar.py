"""Precedence: relations, sums, products by an operator, juxtaposition, factors."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import names, operators, reach, structures
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.brackets import pair
from lemmata.elaborate.syntax.choices import Budget
from lemmata.elaborate.syntax.flatten import tokens
from lemmata.elaborate.syntax.kinds import OPERANDS
from lemmata.elaborate.syntax.letters import join
from lemmata.elaborate.syntax.names import juxt
from lemmata.elaborate.syntax.parts import combined
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Gap, Node, Row

ENDS = frozenset({"rel", "punct", "sep", "eval", "words", "quad", "row", "column", "align"})


class Context(Struct, frozen=True):
    """What holds for the whole formula."""

    words: frozenset[str] = frozenset()
    d_is_quantity: bool = False
    """The letter d stands for a number in this formula, so d x is a product."""
    budget: Budget = field(default_factory=Budget)


class Factor(Struct):
    """One factor with the token it began at, and whether it reached over everything up to the next + or -."""

    expr: s.Expr
    token: Token


class Parser:
    """Reads one list of paired tokens from left to right, never back."""

    __slots__ = ("at", "context", "depth", "mode", "tokens")

    def __init__(self, items: Sequence[Token], context: Context, depth: int = 0, mode: str = "") -> None:
        self.tokens = items
        self.context = context
        self.depth = depth
        self.mode = mode
        """`sub` or `sup` inside scripts."""
        self.at = 0

    # tokens

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def prepared(self, nodes: Sequence[Node], mode: str = "") -> list[Token]:
        return pair(join(tokens(nodes, "", bool(mode)), self.context.words, bool(mode)), bool(mode))

    def deeper(self, items: Sequence[Token], mode: str = "") -> Parser:
        return Parser(items, self.context, self.depth + 1, mode)

    def inside(self, node: Node, mode: str = "") -> s.Expr:
        """A node on its own: a script, a numerator, the body of a root, a cell."""
        if self.depth >= v.MAX_DEPTH:
            return names.too_deep(node.start, node.end)
        items = node.items if isinstance(node, Row) else (node,)
        return self.deeper(self.prepared(items, mode), mode).everything(node.start, node.end)

    def everything(self, start: int, end: int) -> s.Expr:
        """All tokens as one expression: a relation, or a list where several statements stand side by side."""
        if not self.tokens:
            return s.Mark(start, end, v.BLANK)
        return combined(self)

    # levels

    def statement(self) -> s.Expr:
        """Relations joined by implications; whatever is left over stands beside it."""
        items = [self.relation()]
        ops: list[str] = []
        while (token := self.peek()) is not None and token.kind == "rel" and token.name in v.IMPLICATIONS:
            ops.append(self.take().name)
            items.append(self.relation())
        whole = items[0] if not ops else s.Relation(items[0].start, items[-1].end, tuple(ops), tuple(items))
        rest: list[s.Expr] = []
        while (token := self.peek()) is not None:
            rest.append(stray(token))
            self.at += 1
        return s.Juxt(whole.start, rest[-1].end, (whole, *rest)) if rest else whole

    def relation(self) -> s.Expr:
        items = [self.side()]
        ops: list[str] = []
        while (token := self.peek()) is not None:
            if token.kind == "rel" and token.name not in v.IMPLICATIONS:
                ops.append(token.name)
            elif token.kind == "sep" and token.name in ("|", "||"):
                ops.append("\\mid" if token.name == "|" else "\\parallel")
            else:
                break
            self.at += 1
            items.append(self.side())
        if not ops:
            return items[0]
        head: tuple[s.Expr, ...] = ()
        if self.mode and isinstance(items[0], s.Listing) and _is_blank(items[0].items[-1]):
            head, items[0] = items[0].items[:-1], items[0].items[-1]
        end = max(items[-1].end, self.tokens[self.at - 1].end)
        found = s.Relation(items[0].start, end, tuple(ops), tuple(items))
        return s.Listing(head[0].start, end, (*head, found), (",",) * len(head)) if head else found

    def side(self) -> s.Expr:
        """One side of a relation: an expression, or several separated by commas."""
        items = [self.slice()]
        separators: list[str] = []
        while (token := self.peek()) is not None and token.kind == "punct":
            separators.append(token.name)
            self.at += 1
            items.append(self.slice())
        if not separators:
            return items[0]
        return s.Listing(items[0].start, items[-1].end, tuple(items), tuple(separators))

    def slice(self) -> s.Expr:
        """In a script a colon makes a slice, `1:n`, and a lone colon takes everything."""
        if not self.mode:
            return self.sum()
        colon = self.peek()
        first = None if colon is not None and colon.kind == "slice" else self.sum()
        token = self.peek()
        if token is None or token.kind != "slice":
            return first if first is not None else self.blank()
        parts: list[s.Expr] = [first] if first is not None else []
        ops = 0
        while (token := self.peek()) is not None and token.kind == "slice":
            self.at += 1
            ops += 1
            if not parts:
                parts.append(s.Mark(token.start, token.end, ":"))
            after = self.peek()
            if after is not None and after.kind != "slice" and after.kind not in ENDS:
                parts.append(self.sum())
        if len(parts) == 1:
            if isinstance(parts[0], s.Mark):
                return parts[0]
            parts.append(s.Mark(token.start if token else parts[0].end, parts[0].end, ":"))
        return s.Relation(parts[0].start, parts[-1].end, (":",) * (len(parts) - 1), tuple(parts))

    def blank(self) -> s.Expr:
        place = self.tokens[self.at - 1].end if self.at else self.tokens[0].start if self.tokens else 0
        return s.Mark(place, place, v.BLANK)

    def sum(self) -> s.Expr:
        """Terms joined by + and -; where the index of a big operator runs on, its wider reach as a second reading."""
        if self.depth >= v.MAX_DEPTH:
            return self.give_up()
        items = [self.signed()]
        ops: list[str] = []
        while (token := self.peek()) is not None and token.kind == "bin" and token.name in v.SIGNS:
            ops.append(self.take().name)
            items.append(self.signed())
        if not ops:
            return items[0]
        return reach.with_reach(self.context.budget, tuple(ops), tuple(items))

    def give_up(self) -> s.Expr:
        """Everything that is left, where it is nested too deeply."""
        start = self.tokens[self.at].start if self.at < len(self.tokens) else self.blank().start
        self.at = len(self.tokens)
        return names.too_deep(start, self.tokens[-1].end if self.tokens else start)

    def signed(self) -> s.Expr:
        """A term with its signs; signs with nothing behind them are marks, as in x^+."""
        signs: list[Token] = []
        while (token := self.peek()) is not None and token.kind == "bin" and token.name in v.SIGNS:
            signs.append(self.take())
        if signs and ((token := self.peek()) is None or token.kind in ENDS or token.kind == "slice"):
            marks = tuple(names.mark(self, t) for t in signs)
            return marks[0] if len(marks) == 1 else s.Juxt(marks[0].start, marks[-1].end, marks)
        body = self.term()
        for sign in reversed(signs):
            body = s.Sign(sign.start, body.end, sign.name, body)
        return body

    def term(self) -> s.Expr:
        """Factors, and products by an operator, from the left."""
        items = [self.product()]
        ops: list[str] = []
        while (token := self.peek()) is not None:
            if token.kind == "bin" and token.name not in v.SIGNS:
                self.at += 1
                if not token.bare:
                    items[-1] = s.Juxt(items[-1].start, token.end, (items[-1], names.mark(self, token)))
                    continue
                if token.name == "/":
                    structures.divide(self, items, ops)
                else:
                    ops.append(token.name)
                    items.append(self.operand())
            elif token.kind in OPERANDS:
                rest = self.factors()
                left = joined(ops, items)
                items = [juxt((left, *(f.expr for f in rest)))]
                ops = []
            elif token.kind == "eval":
                self.at += 1
                items[-1] = structures.evaluated(self, items[-1], token)
            else:
                break
        return joined(ops, items)

    def operand(self) -> s.Expr:
        """What follows an operator such as \\cdot: a product, with a sign perhaps."""
        signs: list[Token] = []
        while (token := self.peek()) is not None and token.kind == "bin" and token.name in v.SIGNS:
            signs.append(self.take())
        body = self.product()
        for sign in reversed(signs):
            body = s.Sign(sign.start, body.end, sign.name, body)
        return body

    def product(self) -> s.Expr:
        """Factors side by side. An operator where an operand belongs is a place holder."""
        token = self.peek()
        if token is None or token.kind in ENDS or token.kind == "slice":
            return self.blank()
        if token.kind == "bin":
            if token.name in v.SIGNS or token.name == "/":
                return self.blank()
            self.at += 1
            if self._is_placeholder(token):
                return names.mark(self, token)
            self.at -= 1
            return self.blank()
        return juxt(tuple(f.expr for f in self.factors()))

    def _is_placeholder(self, token: Token) -> bool:
        """`\\cdot` in f(\\cdot), i\\cdot; `*` in K_{*,x}."""
        return token.name in v.MARKS

    def factors(self, one: bool = False) -> list[Factor]:
        """Factors up to the next operator, relation or separator."""
        found: list[Factor] = []
        while (token := self.peek()) is not None:
            if token.kind in OPERANDS:
                if token.kind == "other" and found and token.name in ("!", "\\%"):
                    self.at += 1
                    found[-1].expr = postfix(self, found[-1].expr, token)
                    continue
                found.append(Factor(self.factor(), token))
            elif token.kind == "eval":
                self.at += 1
                whole = structures.evaluated(self, juxt(tuple(f.expr for f in found)), token)
                found = [Factor(whole, found[0].token if found else token)]
            elif token.kind == "bin" and found and self._is_scripted_mark(token):
                self.at += 1
                found.append(Factor(names.mark(self, token), token))
            else:
                break
            if one:
                break
        return found

    def _is_scripted_mark(self, token: Token) -> bool:
        """In a script, `i\\cdot` ends with a place holder, and `k*` with a star."""
        following = self.peek(1)
        return bool(self.mode) and token.name in v.MARKS and (following is None or following.kind in ENDS)

    def factor(self) -> s.Expr:
        """One factor; operators take their operands along."""
        token = self.take()
        if self.depth >= v.MAX_DEPTH:
            return names.too_deep(token.start, token.end)
        match token.kind:
            case "number":
                return names.numeral(self, token)
            case "letter":
                return operators.letter(self, token)
            case "word" | "op":
                return operators.word(self, token)
            case "big":
                return operators.big(self, token)
            case "group":
                return structures.group(self, token)
            case "node":
                return structures.node(self, token)
            case "dots":
                return names.with_scripts(self, s.Mark(token.start, token.end, "dots"), token)
            case "gap":
                return unread(token)
            case _:
                return operators.other(self, token)


def _is_blank(expr: s.Expr) -> bool:
    return isinstance(expr, s.Mark) and expr.name == v.BLANK


def joined(ops: list[str], items: list[s.Expr]) -> s.Expr:
    if not ops:
        return items[0]
    return s.Infix(items[0].start, items[-1].end, tuple(ops), tuple(items))


def postfix(p: Parser, expr: s.Expr, token: Token) -> s.Expr:
    """n! and 5\\%."""
    function = s.Name(token.start, token.end, token.name, word=True)
    call = s.Call(expr.start, token.end, function, (expr,), bracketed=False)
    return names.with_scripts(p, call, token)


def unread(token: Token) -> s.Unread:
    source = token.node.source if isinstance(token.node, Gap) else ""
    return s.Unread(token.start, token.end, source, token.name)


def stray(token: Token) -> s.Expr:
    return s.Unread(token.start, token.end, token.name, f"`{token.name or token.kind}` where nothing can stand")
