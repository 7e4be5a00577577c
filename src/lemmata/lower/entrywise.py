"""Equations between the members of families, for arrays that hold these members: $L_k = T_k a_k + b$."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.spelling import spellings
from lemmata.code.target import Atom, CannotLower, Parameter, Value
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation
from lemmata.lower.targets import FormulaTarget

BARS = re.compile(r"^(?:\\left)?(?:\\\||\\lVert|\|+)|(?:\\right)?(?:\\\||\\rVert|\|+)$")
MOST = 600
"""Entries that are compared one by one."""


class Entrywise(Struct, frozen=True):
    """A `Target`: a right side in numbers with one index, taken at every entry of arrays of one shape."""

    key: str
    latex: str
    line: int
    statement: Statement
    names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    indexed: frozenset[str]
    """Keys of the symbols that carry the index; the others are one number each."""
    target: FormulaTarget
    kind: str = "value"
    subject: str | None = None
    sizes: Sequence[str] = ()

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The right side at every entry. Raises CannotLower where shapes differ or a lone symbol is an array."""
        arrays = {p.key: np.squeeze(np.asarray(values[p.key], dtype=float)) for p in self.parameters}
        shapes = {a.shape for k, a in arrays.items() if k in self.indexed}
        if len(shapes) != 1 or any(a.ndim for k, a in arrays.items() if k not in self.indexed):
            raise CannotLower("the arrays do not hold one number for each index")
        (shape,) = shapes
        if not shape or int(np.prod(shape)) > MOST:
            raise CannotLower("there is one number only, or too many")
        found = np.empty(shape)
        for at in np.ndindex(shape):
            one = {k: a[at] if k in self.indexed else a for k, a in arrays.items()}
            found[at] = float(self.target.evaluate({k: np.asarray(v) for k, v in one.items()}))
        return found


def entrywise(stated: Sequence[StatedEquation], known: Sequence[FormulaTarget]) -> Iterator[Entrywise]:
    """Every equation of members with one index, norms of members taken as numbers, that is no value already."""
    valued = {(t.statement.formula.index, t.line) for t in known if t.kind == "value" and t.parameters}
    for equation in stated:
        if equation.role not in ("definition", "claim") or (equation.statement.formula.index, equation.line) in valued:
            continue
        relation = equation.statement.expr
        head = relation.items[0] if isinstance(relation, s.Relation) else None
        if not isinstance(head, s.Name) or not isinstance(head.sub, s.Name) or len(head.sub.base) != 1:
            continue
        index = stem(head.sub)
        plain = equation.without_norms() or equation
        atoms = [a for a in plain.atoms if a.latex != index]
        indexed = frozenset(a.key for a in atoms if _carries(a, index, plain))
        if not indexed or len(atoms) < len(plain.atoms) or any(isinstance(n, s.Big) for n in walk(plain.expr)):
            continue
        if any(a.rank and a.key not in indexed for a in atoms):
            continue
        try:
            target = plain.typed({a.key: 0 for a in atoms})
        except CannotLower:
            continue
        if {p.key for p in target.parameters} != {a.key for a in atoms}:
            continue
        parameters = tuple(
            Parameter(a.key, a.latex, _norm_names(a) if a.norm else a.names, None, "input", norm_of=_inner(a))
            for a in atoms
        )
        key = f"entries {equation.key}"
        yield Entrywise(
            key, equation.latex, equation.line, equation.statement, equation.names, parameters, indexed, target
        )


def _carries(atom: Atom, index: str, equation: StatedEquation) -> bool:
    """Whether the symbol, or what the norm is of, has this index and no other."""
    for node in walk(equation.statement.expr or equation.expr):
        latex = equation.item.formula.latex[node.start : node.end].strip()
        if isinstance(node, s.Name) and isinstance(node.sub, s.Name) and stem(node.sub) == index:
            if atom.norm and latex in atom.latex or not atom.norm and atom.latex.endswith(f"_{index}"):
                return True
    return False


def _inner(atom: Atom) -> tuple[str, ...]:
    """How code may call what the norm is of, the index left out."""
    if not atom.norm:
        return ()
    latex = BARS.sub("", atom.latex)
    return tuple(dict.fromkeys((*spellings(re.sub(r"_\{?[a-z]\}?$", "", latex)), *spellings(latex))))


def _norm_names(atom: Atom) -> tuple[str, ...]:
    return tuple(name for n in _inner(atom) for name in (f"{n}_norm", f"norm_{n}", f"{n}_norms", f"{n}_length"))
