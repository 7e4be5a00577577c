"""The whole of a check on one screen: read, elaborate, judge, run the code, report.

Data flows one way:

    file --documents--> Document --elaborate--> Elaboration --lower, verify--> verdicts --+
                                            `------------code-------> comparisons --------+--report--> DocumentResult
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath

from lemmata.documents import read
from lemmata.documents.model import Document
from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement
from lemmata.report.collect import Judged, collect
from lemmata.report.result import DocumentResult
from lemmata.verify.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything the stages found out about one document."""

    document: Document
    elaboration: Elaboration
    judged: tuple[Judged, ...]
    """Every statement with its verdict."""
    compared: tuple[Judged, ...] = ()
    """Formulas with the verdict on the code that implements them."""


def check(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> DocumentResult:
    """Judge every statement of the document at `path`; with `code`, run its cells and compare them too.

    A document that cannot be read is a result that says so. The same document, seed and versions give the same result.
    """
    found = examine(path, seed=seed, code=code)
    return collect(found.document, found.judged, found.compared)


def explain(
    path: str | PathLike[str], *, seed: int = 0, code: bool = True
) -> tuple[DocumentResult, dict[int, tuple[tuple[str, str], ...]]]:
    """The result of a check with, for every statement by its place in it, how it was understood."""
    from lemmata.report.collect import ordered
    from lemmata.report.details import details

    found = examine(path, seed=seed, code=code)
    pairs = ordered([*((s, v, s.kind) for s, v in found.judged), *((s, v, "code") for s, v in found.compared)])
    return collect(found.document, found.judged, found.compared), {at: details(p[0]) for at, p in enumerate(pairs)}


def examine(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> Examination:
    """Take the document through every stage, keeping what each of them made."""
    document = read(fspath(path))
    elaboration = elaborate(document)
    judged = tuple((statement, verdict(statement, seed)) for statement in elaboration.statements)
    return Examination(document, elaboration, judged)


def verdict(statement: Statement, seed: int) -> Verdict:
    """The verdict on one statement; a mistake of ours in judging it costs this statement, not the document."""
    try:
        return judge_statement(statement, seed)
    except Exception as error:
        return Verdict("unchecked", reason=f"a mistake in lemmata: {type(error).__name__}: {error}"[:300])
