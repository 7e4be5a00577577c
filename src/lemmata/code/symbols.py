"""Which names of a piece of code are which symbols of an equation, and why."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product

from msgspec import Struct

from lemmata.code.names import COMPONENT_FIT, component, fits, leaf_names, place
from lemmata.code.pieces import Piece, Program, program, reads, writers
from lemmata.code.spelling import match, spellings
from lemmata.code.target import Atom, Equation

NEAR = 0.6
"""From here on a name fits."""
SURE = 0.95
ALIKE = 0.9
"""From here on a name may be another symbol's as well as the one's that it is spelled like."""
LEFT_OVER = 0.3
"""How sure a symbol is that is bound because one of each is left."""
HEAVY = 8
"""Symbols and numbers in an equation of two symbols that no other instruction computes by chance."""
DEEP = 6
NORM = re.compile(r"\\(\||[lr]Vert|left|right)|\||\^.*$|[\s{}]|_[12F]$")
"""What makes a norm of a symbol."""
CONSTANTS = 64
"""Ways that are tried to find a formula's constants among the numbers of the code."""


class Binding(Struct, frozen=True):
    """Which names of the code are which symbols of an equation."""

    equation: Equation
    piece: Piece
    program: Program
    names: Mapping[str, str]
    """Key of the atom to name in the code."""
    scores: Mapping[str, float]
    defaults: Mapping[str, ast.expr]
    constants: Mapping[str, float]
    """Symbols that are no name in the code, with the number there that they are."""
    head: float
    """How well the code's name fits the left side."""
    rest: frozenset[str] = frozenset()
    """Inputs of the piece that no symbol of the equation is."""

    @property
    def told(self) -> tuple[str, ...]:
        """What is what, one each."""
        by_key = {a.key: a for a in self.equation.atoms}
        said = [f"{by_key[k].latex} is {self.piece.shown.get(n, n)}" for k, n in self.names.items()]
        said += [f"{by_key[k].latex} = {v:g}" for k, v in self.constants.items()]
        if self.equation.expanded:
            said.append(f"with the document's {', '.join(self.equation.expanded)} put in")
        return tuple(said)

    @property
    def sure(self) -> bool:
        """Whether every symbol has one name that is called the same, and nothing else goes into the piece."""
        if self.constants or self.rest or self.equation.expanded or any(a.norm for a in self.equation.atoms):
            return False
        if min(self.scores.values()) < SURE:
            return False
        leaves = {n: leaf_names(n, self.piece) for n in self.names.values()}
        told = {self.names[a.key] for a in self.equation.atoms if a.told}
        for atom in self.equation.atoms:
            if atom.told:
                continue
            free = [code for n, code in leaves.items() if n not in told]
            if sum(fits(atom.names, code, atom.gradient) >= ALIKE for code in free) != 1:
                return False
        return not {n for n in self.program.needs if n in self.piece.parameters}

    @property
    def used(self) -> frozenset[str]:
        """Every name that the piece reads on its way."""
        return frozenset(n for s in (self.piece.value, *self.program.statements) for n in reads(s))


def bindings(equation: Equation, piece: Piece) -> Iterator[Binding]:
    """Ways to tell the equation's symbols in a piece, likeliest first; symbols may be replaced by their definitions."""
    if isinstance(piece.value, ast.Constant) or _passed_on(piece):
        return
    plain = equation.without_norms()
    for start in (equation,) if plain is None else (equation, plain):
        yield from _expanding(start, piece)


def _passed_on(piece: Piece) -> bool:
    """Whether a value only gets another name, so that the statement that made it tells more."""
    if not isinstance(piece.value, ast.Name) or piece.returned:
        return False
    made = writers(piece, piece.value.id)
    return not made or isinstance(piece.before[made[0]], ast.Assign)


def _expanding(equation: Equation, piece: Piece) -> Iterator[Binding]:
    head = _head(equation, piece)
    for _ in range(DEEP):
        seen: list[dict[str, str]] = []
        for strict in (True, False):
            names, scores, spare = _names(equation, piece, head, strict)
            missing = [a for a in equation.atoms if a.key not in names]
            if names not in seen:
                seen.append(names)
                yield from _complete(equation, piece, head, names, scores, spare, missing)
        nearer = next((e for a in missing if (e := equation.expand(a.key)) is not None), None)
        if nearer is None:
            return
        equation = nearer


def _head(equation: Equation, piece: Piece) -> float:
    found = fits(equation.names, leaf_names(piece.name, piece))
    if piece.returned:
        words = {w.lower().strip(".;,:") for text in equation.words for w in text.replace("-", " ").split()}
        if any(len(w) > 3 and w in piece.name.lower() for w in words):
            return max(found, 0.9)
    return found


def _names(
    equation: Equation, piece: Piece, head: float, strict: bool
) -> tuple[dict[str, str], dict[str, float], list[str]]:
    """Names by atom, how well they fit, and inputs of the piece that are left.

    `strict`: what the piece computes on its way is only taken for a symbol that is called the same.
    """
    names: dict[str, str] = {}
    scores: dict[str, float] = {}
    opened: set[str] = set()
    leaves = frontier(piece, opened)
    for _ in range(DEEP):
        pairs = sorted(
            (-fits(a.names, leaf_names(n, piece), a.gradient), place(a.names, leaf_names(n, piece)), at, n, a.key)
            for at, a in enumerate(equation.atoms)
            for n in leaves
            if a.key not in names and n not in names.values()
        )
        for score, _, _, name, key in pairs:
            enough = 0.9 if strict and name not in piece.parameters and writers(piece, name) else NEAR
            if -score < SURE and _other(equation.others, _atom(equation, key), leaf_names(name, piece), True):
                continue
            if -score >= enough and key not in names and name not in names.values():
                names[key], scores[key] = name, -score
        left = {n for n in leaves if n not in names.values() and n not in opened and writers(piece, n)}
        if not left:
            break
        opened |= left
        leaves = frontier(piece, opened)
    spare = [n for n in leaves if n not in names.values() and _open(n, piece)]
    missing = [a for a in equation.atoms if a.key not in names]
    if len(missing) == 1 and len(spare) == 1 and (names or head >= NEAR):
        if not _other(equation.others, missing[0], leaf_names(spare[0], piece), False):
            names[missing[0].key], scores[missing[0].key] = spare[0], LEFT_OVER
            spare = []
    return names, scores, spare


def _other(names: Iterable[tuple[str, ...]], atom: Atom, code: Sequence[str], letter: bool) -> bool:
    """Whether a name is that of another symbol among `names`: W_z is not W_r, z not r_t where there is a z_t.

    `letter`: only of one with the same letter.
    """
    if any(component(n) in atom.names for n in code if component(n)):
        return False
    if atom.norm:
        inner = spellings(NORM.sub("", atom.latex))  # of one symbol: ‖w‖ is no function of r
        return bool(inner) and not any(match(inner, n) for n in code) and any(
            match(other, n) >= SURE for other in names for n in code)  # fmt: skip
    own = {n.split("_")[0] for n in atom.names}
    if not letter and atom.latex.isalpha() and len(atom.latex) == len(code[0]) == 1:
        return atom.latex.lower() != code[0].lower()  # one letter for another
    found = [n for n in code if "__" not in n and (not letter or n.split("_")[0] in own)]
    return any(match(other, n) >= SURE for other in names if not set(other) & set(atom.names) for n in found)


def _complete(
    equation: Equation, piece: Piece, head: float, names: Mapping[str, str], scores: Mapping[str, float],
    spare: Sequence[str], missing: Sequence[Atom],
) -> Iterator[Binding]:  # fmt: skip
    """The binding, with constants for the symbols that are missing."""
    if not names or spare or len(missing) > 3 or any(a.rank or a.whole or a.norm for a in missing):
        return
    adjacent = equation.follows == piece.cell and not piece.owner
    enough = 0.9 if len(names) < 3 else COMPONENT_FIT
    loose = [k for k, s in scores.items() if s < enough and not _atom(equation, k).norm]
    parts = [n for k, n in names.items() if component(n) and match(_atom(equation, k).names, n) < 0.9]
    if len({n[-1] for n in parts}) > 1:
        return  # components of different numbers
    few = len(names) < 2 or not piece.returned and len(names) < 3 and equation.weight < HEAVY
    if head < NEAR and (loose or missing or few and not adjacent):
        return
    made = program(piece, frozenset(names.values()))
    if made is None:
        return
    defaults = {n: d for n, d in piece.parameters.items() if n in made.needs and d is not None}
    found = Binding(equation, piece, made, dict(names), dict(scores), defaults, {}, head, frozenset(spare))
    if not frozenset(names.values()) <= found.used:
        return
    if not missing:
        yield found
        return
    if head < NEAR or spare:
        return
    if any(not a.latex.startswith("\\") for a in missing):
        return  # a Latin letter counts, or is a quantity that the code would name
    written = {*_numbers(piece.value), *(x for s in made.statements for x in _numbers(s))}
    choices = [sorted(written | {1.0} if a.latex.endswith("_0") else written) for a in missing]
    for values in islice(product(*choices), CONSTANTS):
        constants = {a.key: v for a, v in zip(missing, values, strict=True)}
        yield Binding(equation, piece, made, dict(names), dict(scores), defaults, constants, head)


def _atom(equation: Equation, key: str) -> Atom:
    return next(a for a in equation.atoms if a.key == key)


def _numbers(node: ast.AST) -> Iterator[float]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, (int, float)) and inner.value > 0:
            yield float(inner.value)


def inputs(piece: Piece, leaves: Iterable[str]) -> list[str]:
    """Those of the names that somebody has to give a value."""
    return [n for n in leaves if _open(n, piece)]


def frontier(piece: Piece, opened: Collection[str] = (), everything: bool = False) -> list[str]:
    """Names that the value rests on once those `opened`, or all, are replaced by what they are made of."""
    found: list[str] = []
    waiting: list[tuple[ast.AST, int]] = [(piece.value, len(piece.before))]
    done: set[tuple[str, int]] = set()
    while waiting:
        node, end = waiting.pop(0)
        for name in sorted(reads(node)):
            makers = writers(piece, name, end) if everything or name in opened else ()
            if not makers:
                if name not in found:
                    found.append(name)
            elif (name, makers[0]) not in done:
                done.add((name, makers[0]))
                waiting += [(piece.before[at], at) for at in makers]
    return found


def _open(name: str, piece: Piece) -> bool:
    """Whether a name is an input of the piece: an argument without default, an attribute, something assigned."""
    if hasattr(builtins, name):
        return False
    if name in piece.parameters:
        return piece.parameters[name] is None
    return "__" in name or bool(writers(piece, name))
