"""Macros: \\newcommand, \\def, \\let, \\DeclareMathOperator, and what they define, expanded before reading."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache

from msgspec import Struct

from lemmata.latex import commands as c
from lemmata.latex.shorthands import SHORTHANDS
from lemmata.latex.tokens import Tokens, tokenize

MAX_TOKENS = 50_000
"""How many tokens the macros of one formula may produce."""


class TooManyExpansions(Exception):
    """A macro that calls itself without end, or a bomb of doubling macros."""


class Macro(Struct, frozen=True):
    """A macro: the tokens it stands for, with `#1` to `#9` where its arguments go."""

    body: tuple[str, ...]
    parameters: int = 0
    default: tuple[str, ...] | None = None
    """What the first argument is if it is not given in brackets (\\newcommand{\\x}[1][default])."""
    pattern: tuple[tuple[str, ...], ...] = ()
    """After \\def\\x#1,#2;{...}: the tokens before the first argument, then those that end each argument."""
    final: bool = False
    """After \\let\\x=\\sin: the body is one token that means what it meant then."""


@lru_cache(maxsize=1024)
def _compile(body: str) -> Macro:
    texts = tuple(tokenize(body).texts[:-1])
    return Macro(texts, max((int(t[1]) for t in texts if len(t) == 2 and t[0] == "#"), default=0))


def compile_macro(body: str | Macro) -> Macro:
    """A macro from its body; it takes as many arguments as the highest #n in it."""
    return body if isinstance(body, Macro) else _compile(body)


BUILT_IN: dict[str, Macro] = {name: _compile(body) for name, body in SHORTHANDS.items()}
"""What a document defines goes before these."""

_DEFINERS = frozenset(
    r"""
    \newcommand \renewcommand \providecommand \DeclareRobustCommand \def \gdef \edef \xdef \let \global \long
    \DeclareMathOperator \expandafter \noexpand
    """.split()
)
EXPANDED = _DEFINERS | BUILT_IN.keys()
"""A formula with none of these (and of the document's macros) needs no expansion."""

_ARGUMENTS: dict[str, int] = {
    **dict.fromkeys([*c.FONTS, *c.ACCENTS, *c.TEXTS, *c.DECORATIONS, *c.BRACES_ABOVE, *c.BRACES_BELOW, *c.ARROWS], 1),
    **dict.fromkeys([*c.FRACTIONS, *c.STACKS_ABOVE, *c.STACKS_BELOW], 2),
    **{name: count + 1 for name, count in (c.DECORATIONS_WITH_ARGUMENTS | c.TEXT_BOXES).items()},
    **dict.fromkeys(["\\sqrt", "\\operatorname", "\\substack"], 1),
}
"""How many arguments a command takes. A macro that is one of them is taken whole: \\frac\\x2 is \\frac{...}2."""

_Token = tuple[str, int, int]


class _Malformed(Exception):
    """A definition or a call that TeX would refuse; the reason in words."""


class _Expander:
    def __init__(self, tokens: Tokens, table: Mapping[str, Macro]) -> None:
        self.pending: list[_Token] = list(zip(tokens.texts, tokens.starts, tokens.ends, strict=True))[-2::-1]
        self.table: dict[str, Macro | None] = {**BUILT_IN, **table}
        self.made: dict[str, Macro] = {}
        """Definitions outside every group: those a later formula sees."""
        self.undo: list[dict[str, Macro | None]] = []
        self.budget = MAX_TOKENS
        self.end = tokens.ends[-1]
        self.expected = 0
        """Arguments that the last command still takes."""
        self.outer: list[tuple[str, int]] = []
        """What closes the groups around, and how many arguments are expected after it."""

    def run(self) -> Tokens:
        out: list[_Token] = []
        pending = self.pending
        while pending:
            token = pending.pop()
            text = token[0]
            if text == "{":
                self.undo.append({})
            elif text == "}" and self.undo:
                self.table |= self.undo.pop()
            try:
                if text in _DEFINERS and self.table.get(text) is None:
                    self._primitive(token)
                    continue
                macro = self.table.get(text)
                if macro is not None and not macro.final:
                    self._call(token, macro, as_argument=self.expected > 0)
                    continue
                if macro is not None:
                    token = (macro.body[0], token[1], token[2])
            except _Malformed as problem:
                last = pending[-1][1] if pending else self.end
                token = ("\\?" + str(problem), token[1], max(token[2], last))
            self._expect(token[0])
            out.append(token)
        out.append(("", self.end, self.end))
        texts, starts, ends = zip(*out, strict=True)
        return Tokens(list(texts), list(starts), list(ends))

    def _expect(self, text: str) -> None:
        """Keeps count of the arguments that are still to come after this token."""
        if text == "{":
            self.outer.append(("}", max(0, self.expected - 1)))
            self.expected = 0
        elif text == "[" and self.expected:
            self.outer.append(("]", self.expected))
            self.expected = 0
        elif self.outer and text == self.outer[-1][0]:
            self.expected = self.outer.pop()[1]
        elif not text.isspace() and text[0] != "%":
            self.expected = max(0, self.expected - 1) + _ARGUMENTS.get(text, 0)

    # reading

    def _skip_spaces(self) -> None:
        while self.pending and (self.pending[-1][0].isspace() or self.pending[-1][0][0] == "%"):
            self.pending.pop()

    def _next(self, what: str) -> _Token:
        self._skip_spaces()
        if not self.pending:
            raise _Malformed(f"{what} is missing")
        return self.pending.pop()

    def _argument(self, what: str) -> list[_Token]:
        """A group without its braces, or one token."""
        token = self._next(what)
        if token[0] == "}":
            self.pending.append(token)
            raise _Malformed(f"{what} is missing")
        return self._until("}", what) if token[0] == "{" else [token]

    def _until(self, closing: str, what: str) -> list[_Token]:
        """The tokens up to `closing` outside groups, which is dropped."""
        taken: list[_Token] = []
        depth = 0
        while self.pending:
            token = self.pending.pop()
            if token[0] == closing and depth == 0:
                return taken
            depth += (token[0] == "{") - (token[0] == "}")
            taken.append(token)
        raise _Malformed(f"{what} is never closed")

    def _optional(self, what: str) -> list[_Token] | None:
        self._skip_spaces()
        if not self.pending or self.pending[-1][0] != "[":
            return None
        self.pending.pop()
        return self._until("]", what)

    def _delimited(self, ending: tuple[str, ...], what: str) -> list[_Token]:
        taken: list[_Token] = []
        depth = 0
        while self.pending:
            token = self.pending.pop()
            taken.append(token)
            depth += (token[0] == "{") - (token[0] == "}")
            if depth == 0 and len(taken) >= len(ending) and token[0] == ending[-1]:
                if tuple(t[0] for t in taken[-len(ending) :]) == ending:
                    inside = taken[: -len(ending)]
                    whole = len(inside) > 1 and inside[0][0] == "{" and inside[-1][0] == "}"
                    return inside[1:-1] if whole else inside
        raise _Malformed(f"{what} does not end as its definition says")

    # calls

    def _call(self, call: _Token, macro: Macro, as_argument: bool = False) -> None:
        what = f"the argument of `{call[0]}`"
        arguments: list[list[_Token]] = []
        if macro.pattern:
            for expected in macro.pattern[0]:
                if self._next(what)[0] != expected:
                    raise _Malformed(f"`{call[0]}` is not used as it is defined")
            for ending in macro.pattern[1:]:
                arguments.append(self._delimited(ending, what) if ending else self._argument(what))
        else:
            if macro.default is not None:
                given = self._optional(what)
                arguments.append([(t, 0, 0) for t in macro.default] if given is None else given)
            while len(arguments) < macro.parameters:
                arguments.append(self._argument(what))
        start, end = call[1], call[2]
        end = max([end, *(token[2] for argument in arguments for token in argument)])
        if self.pending and arguments:
            end = max(end, min(self.pending[-1][1], self.end)) if self.pending[-1][1] >= end else end
        made: list[_Token] = []
        doubled = False
        for text in macro.body:
            if len(text) == 2 and text[0] == "#" and int(text[1]) <= len(arguments) and not doubled:
                made += [(t, start, end) for t, _, _ in arguments[int(text[1]) - 1]]
            elif doubled and text[0] == "#":
                made[-1] = (text, start, end)
            else:
                made.append((text, start, end))
            doubled = text == "#" and not doubled
        whole = as_argument and not arguments and len(made) > 1 and made[0][0] != "{"
        self._push([("{", start, end), *made, ("}", start, end)] if whole else made)

    def _push(self, tokens: list[_Token]) -> None:
        self.budget -= len(tokens) + 1
        if self.budget < 0:
            raise TooManyExpansions(f"macros expand to more than {MAX_TOKENS} tokens")
        self.pending.extend(reversed(tokens))

    # definitions

    def _define(self, name: str, macro: Macro, everywhere: bool = False) -> None:
        if everywhere:
            for scope in self.undo:
                scope.pop(name, None)
        elif self.undo:
            self.undo[-1].setdefault(name, self.table.get(name))
        if everywhere or not self.undo:
            self.made[name] = macro
        self.table[name] = macro

    def _primitive(self, token: _Token) -> None:
        command = token[0]
        match command:
            case "\\def" | "\\gdef" | "\\edef" | "\\xdef":
                self._def(command, everywhere=command in ("\\gdef", "\\xdef"))
            case "\\let":
                self._let(everywhere=False)
            case "\\global" | "\\long":
                everywhere = False
                while command in ("\\global", "\\long"):
                    everywhere = everywhere or command == "\\global"
                    command = self._next(f"a definition after `{command}`")[0]
                if command == "\\let":
                    self._let(everywhere)
                elif command in ("\\def", "\\gdef", "\\edef", "\\xdef"):
                    self._def(command, everywhere or command in ("\\gdef", "\\xdef"))
                else:
                    raise _Malformed(f"`{command}` after `{token[0]}` is no definition")
            case "\\DeclareMathOperator":
                self._declare_operator()
            case "\\expandafter":
                first = self._next("what `\\expandafter` passes over")
                second = self._next("what `\\expandafter` expands")
                macro = self.table.get(second[0])
                if macro is None:
                    self.pending.append(second)
                else:
                    self._call(second, macro)
                self.pending.append(first)
            case "\\noexpand":
                pass
            case _:
                self._newcommand(command)

    def _name(self, command: str) -> str:
        tokens = [t for t in self._argument(f"the name after `{command}`") if not t[0].isspace()]
        name = tokens[0][0] if len(tokens) == 1 else ""
        if name in ("", "{", "}", "#", "^", "_", "&", "$", "\\") or name in _DEFINERS:
            raise _Malformed(f"`{command}` defines no command")
        return name

    def _newcommand(self, command: str) -> None:
        self._skip_spaces()
        if self.pending and self.pending[-1][0] == "*":
            self.pending.pop()
        name = self._name(command)
        count = self._optional("the number of arguments")
        digits = "".join(t[0] for t in count or []).strip()
        if count is not None and not (len(digits) == 1 and digits.isdigit()):
            raise _Malformed(f"`{command}` has no number of arguments between its brackets")
        default = self._optional("the default")
        body = self._argument("the definition")
        if command == "\\providecommand" and self.table.get(name) is not None:
            return
        macro = Macro(
            tuple(t[0] for t in body), int(digits or 0), None if default is None else tuple(t[0] for t in default)
        )
        self._define(name, macro)

    def _def(self, command: str, everywhere: bool) -> None:
        name = self._next(f"the name after `{command}`")[0]
        if name in ("{", "}", "#", "^", "_", "&", "$", "\\") or name in _DEFINERS:
            raise _Malformed(f"`{command}` defines no command")
        pattern: list[list[str]] = [[]]
        while True:
            if not self.pending:
                raise _Malformed("the definition is missing")
            text = self.pending.pop()[0]
            if text == "{":
                break
            if len(text) == 2 and text[0] == "#":
                if int(text[1]) != len(pattern):
                    raise _Malformed(f"the parameters of `{name}` are not numbered in order")
                pattern.append([])
            else:
                pattern[-1].append(text)
        body = tuple(t[0] for t in self._until("}", "the definition"))
        if command in ("\\edef", "\\xdef"):
            body = self._expanded(body)
        plain = not any(pattern)
        macro = Macro(body, len(pattern) - 1, None, () if plain else tuple(tuple(part) for part in pattern))
        self._define(name, macro, everywhere)

    def _expanded(self, body: tuple[str, ...]) -> tuple[str, ...]:
        """The body with its macros expanded now."""
        outer, self.pending = self.pending, [(text, 0, 0) for text in reversed(body)]
        expanded: list[str] = []
        try:
            while self.pending:
                token = self.pending.pop()
                macro = self.table.get(token[0])
                if token[0] == "\\noexpand" and self.pending:
                    expanded.append(self.pending.pop()[0])
                elif macro is None:
                    expanded.append(token[0])
                else:
                    self._call(token, macro)
        finally:
            self.pending = outer
        return tuple(expanded)

    def _let(self, everywhere: bool) -> None:
        name = self._next("the name after `\\let`")[0]
        if not name.startswith("\\"):
            raise _Malformed("`\\let` defines no command")
        self._skip_spaces()
        if self.pending and self.pending[-1][0] == "=":
            self.pending.pop()
            if self.pending and self.pending[-1][0].isspace():
                self.pending.pop()
        meaning = self._next("the meaning after `\\let`")[0]
        self._define(name, self.table.get(meaning) or Macro((meaning,), final=True), everywhere)

    def _declare_operator(self) -> None:
        self._skip_spaces()
        starred = bool(self.pending) and self.pending[-1][0] == "*"
        if starred:
            self.pending.pop()
        name = self._name("\\DeclareMathOperator")
        word = [t[0] for t in self._argument("the operator's name")]
        self._define(name, Macro(("\\operatorname", *("*" * starred), "{", *word, "}")))


def expand(tokens: Tokens, table: Mapping[str, Macro], definitions: MutableMapping[str, Macro] | None = None) -> Tokens:
    """The tokens with every macro expanded; those made by a macro stand where its call stands.

    definitions: gets what the formula defines. Raises TooManyExpansions.
    """
    expander = _Expander(tokens, table)
    try:
        return expander.run()
    finally:
        if definitions is not None:
            definitions.update(expander.made)
