"""What a check found, as plain data: the object of `lemmata.check`, of a line of `--format jsonl` and of the cache.

Nothing here imports the stages, so that results of an earlier run are shown without loading NumPy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct, field
from msgspec.structs import asdict

VERDICTS = ("verified", "refuted", "unchecked", "assumed")


class StatementResult(Struct, frozen=True):
    """The verdict on one statement, with everything a reader needs to follow it."""

    doc: str
    """The path as it was given."""
    line: int
    """First line of the statement's own mathematics."""
    end_line: int
    column: int
    verdict: str
    role: str
    kind: str
    """`equation`, `inequality`, `gradient`, `expectation`, `shape`, `code`, ..."""
    latex: str
    reason: str = ""
    method: str = ""
    evidence: tuple[str, ...] = ()
    counterexample: Mapping[str, object] | None = None
    """`sizes`, `values`, `left`, `right`, `where`, `parts`, `note`, as in `lemmata.verify.verdict.Counterexample`."""
    cell: int | None = None
    """In notebooks: the cell that the lines count in."""
    end_column: int = 0
    understood: bool = True
    """Whether the statement has a role and a typed reading, decided or not."""
    outlined: bool = False
    """Whether it is understood only with unknowns for what the document leaves open."""
    outline: tuple[str, ...] = ()
    """What was supposed for that."""
    reading: str = ""
    assumptions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    excerpt: tuple[str, ...] = ()
    """The source lines `line` to `end_line`."""
    fixes: tuple[Mapping[str, object], ...] = ()
    """Corrections that were verified, the nearest first: `latex`, `edit` (in words), and the text from `line`, `column`
    to `end_line`, `end_column` (`original`) that becomes `replacement`."""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"no such verdict: {self.verdict}")

    def to_json(self) -> dict[str, object]:
        """The fields in order; plain values only."""
        return {name: jsonable(getattr(self, name)) for name in self.__struct_fields__}

    @staticmethod
    def from_json(record: Mapping[str, object]) -> StatementResult:
        """The inverse of `to_json`. Raises TypeError, ValueError for a record of another form."""
        return StatementResult(**{k: tuple(v) if isinstance(v, list) else v for k, v in record.items()})  # type: ignore[arg-type]


class Problem(Struct, frozen=True):
    """Something about the document as a whole: it could not be read, or a part of it could not."""

    message: str
    severity: str = "error"
    """`error`: the document was not read. `warning`, `note`: the rest of it was."""
    line: int | None = None
    column: int | None = None
    cell: int | None = None
    help: str = ""


class LintResult(Struct, frozen=True):
    """Something about the notation that would be easier to read otherwise."""

    doc: str
    rule: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None
    help: str = ""
    fixes: tuple[Mapping[str, object], ...] = ()
    """As in a statement's result: `latex`, `edit`, and the text from `line`, `column` on that becomes `replacement`."""

    def to_json(self) -> dict[str, object]:
        return {name: jsonable(getattr(self, name)) for name in self.__struct_fields__}

    @staticmethod
    def from_json(record: Mapping[str, object]) -> LintResult:
        """The inverse of `to_json`. Raises TypeError for a record of another form."""
        return LintResult(**{k: tuple(v) if isinstance(v, list) else v for k, v in record.items()})  # type: ignore[arg-type]


class DocumentResult(Struct, frozen=True):
    """Every statement of one document in reading order."""

    path: str
    statements: tuple[StatementResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    depends: Mapping[str, str | None] = field(default_factory=dict)
    """Other files that the outcome rests on (local modules of code cells, data they read): path to content hash, None
    if absent."""
    reproducible: bool = True
    """False where the outcome may differ next time (a code cell ran into a limit); such results are not cached."""
    lint: tuple[LintResult, ...] = ()
    cells: tuple[str, ...] = ()
    """Content hashes of the code cells that ran, in order."""
    heat_maps: tuple[Mapping[str, object], ...] = ()
    """Weights of softmax-weighted sums that the cells ran: `cell` (running number of code cells), `line`,
    `name`, `shape`, `notebook_cell`, and `rows` of the first sequence and head, queries by keys, averaged over blocks
    where there are many."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the cells ran with: versions of the packages they loaded, `device`."""

    def __iter__(self) -> Iterator[StatementResult]:
        return iter(self.statements)

    def __len__(self) -> int:
        return len(self.statements)

    def counts(self) -> Counter[str]:
        return Counter(s.verdict for s in self.statements)

    @property
    def readable(self) -> bool:
        return all(p.severity != "error" for p in self.problems)

    def to_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "statements": [s.to_json() for s in self.statements],
            "problems": [asdict(p) for p in self.problems],
            "depends": dict(self.depends),
            "lint": [f.to_json() for f in self.lint],
            "cells": list(self.cells),
            "heat_maps": [dict(m) for m in self.heat_maps],
            "environment": dict(self.environment),
        }

    @staticmethod
    def from_json(record: Mapping[str, object]) -> DocumentResult:
        """The inverse of `to_json`. Raises KeyError, TypeError, ValueError for a record of another form."""
        statements, problems, depends = record["statements"], record["problems"], record["depends"]
        if not (isinstance(statements, list) and isinstance(problems, list) and isinstance(depends, dict)):
            raise TypeError("not a record of a document's result")
        return DocumentResult(
            str(record["path"]),
            tuple(StatementResult.from_json(s) for s in statements),
            tuple(Problem(**p) for p in problems),
            depends,
            lint=tuple(LintResult.from_json(f) for f in record.get("lint", [])),  # type: ignore[attr-defined]
            cells=tuple(map(str, record.get("cells", ()))),  # type: ignore[call-overload]
            heat_maps=tuple(record.get("heat_maps", ())),  # type: ignore[arg-type]
            environment=dict(record.get("environment", {})),  # type: ignore[call-overload]
        )


def jsonable(value: object) -> object:
    """Plain JSON for numbers of any library, nested sequences and mappings; what JSON has no word for becomes text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, Sequence) or isinstance(value, (set, frozenset)):
        return [jsonable(v) for v in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    return str(value)
