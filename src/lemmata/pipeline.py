"""The whole of a check on one screen: read, elaborate, judge, run the code, report.

Data flows one way:

    file --documents--> Document --elaborate--> Elaboration --verify--> verdicts --+
                                            `--------code-----> findings ----------+--report--> DocumentResult
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

from lemmata.code.dependencies import local_modules
from lemmata.documents import read
from lemmata.documents.model import Document
from lemmata.elaborate import elaborate
from lemmata.report.collect import collect
from lemmata.report.result import DocumentResult
from lemmata.verify import judge
from lemmata.verify.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything the stages found out about one document."""

    document: Document
    elaboration: Any
    verdicts: tuple[Verdict, ...]
    """One for each statement of the elaboration."""
    findings: tuple[Any, ...]
    """Comparisons of formulas with code."""


def check(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> DocumentResult:
    """Judge every statement of the document at `path`; with `code`, run its cells and compare them too.

    A document that cannot be read is a result that says so. The same document, seed and versions give the same result.
    """
    return collect(examine(path, seed=seed, code=code))


def examine(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> Examination:
    """Take the document through every stage, keeping what each of them made."""
    document = read(fspath(path))
    elaboration = elaborate(document)
    verdicts = tuple(judge(statement, seed) for statement in elaboration.statements)
    findings = compare(document, elaboration, seed) if code else ()
    return Examination(document, elaboration, verdicts, findings)
