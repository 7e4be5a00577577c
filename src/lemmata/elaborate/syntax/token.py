"""Tokens of a formula: notation nodes in a row, with the scripts that stand on them."""

from __future__ import annotations

from msgspec import Struct, field

from lemmata.latex.tree import Node


class Token(Struct):
    """One item of a row.

    kind: `letter`, `number`, `word` (several letters, one name), `words` (prose), `op`, `big`, `bin`, `rel`, `punct`,
    `dots`, `open`, `close`, `bar`, `group` (a paired bracket: name opens, `close` closes, `inner`), `node` (a
    fraction, root, matrix ...), `gap`, `other`, `quad`, `row`, `column`, `align`, `comma` (in braces), `slice` (a
    colon in a script), and `sep` and `eval` for bars that separate or evaluate.
    """

    kind: str
    name: str
    start: int
    end: int
    node: Node | None = None
    font: str = ""
    accents: tuple[str, ...] = ()
    sub: Node | None = None
    sup: Node | None = None
    primes: int = 0
    limits: bool | None = None
    space: float = 0.0
    """Layout space before it, in em."""
    tight: bool = False
    """Nothing at all stands between the token before and this one."""
    close: str = ""
    inner: tuple[Token, ...] = ()
    command: int = 0
    """Which font command it stands in: letters of different commands make no word together."""
    alternative: str = ""
    """`word`: could also be the product of `inner` (`product` where that is the convention)."""

    @property
    def bare(self) -> bool:
        return self.sub is None and self.sup is None and not self.primes


class Tokens(Struct):
    out: list[Token] = field(default_factory=list)
    space: float = 0.0
    last: int = -1
    script: bool = False

    def put(self, token: Token) -> None:
        token.space = self.space
        token.tight = not self.space and token.start <= self.last and bool(self.out)
        self.space = 0.0
        self.last = token.end
        self.out.append(token)
