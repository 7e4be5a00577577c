"""The whole of a check on one screen: read, elaborate, judge, run the code, report.

Data flows one way:

    file --documents--> Document --elaborate--> Elaboration --lower, verify--> verdicts --+
                                            `------------code-------> comparisons --------+--report--> DocumentResult
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

from lemmata.diagnostic import mistake
from lemmata.documents import read
from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement
from lemmata.report.collect import Examination, collect, details
from lemmata.report.explain import Details
from lemmata.report.result import DocumentResult
from lemmata.verify.verdict import Verdict


def check(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> DocumentResult:
    """Judge every statement of the document at `path`; with `code`, run its cells and compare them too.

    A document that cannot be read is a result that says so. The same document, seed and versions give the same result.
    """
    return collect(examine(path, seed=seed, code=code))


def explain(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> tuple[DocumentResult, Details]:
    """The result of a check and, for each of its statements, how it was understood."""
    found = examine(path, seed=seed, code=code)
    return collect(found), details(found)


def examine(path: str | PathLike[str], *, seed: int = 0, code: bool = True) -> Examination:
    """Take the document through every stage, keeping what each of them made."""
    document = read(fspath(path))
    elaboration = elaborate(document)
    judged = tuple((statement, verdict(statement, seed)) for statement in elaboration.statements)
    if code and any(cell.executable for cell in document.cells):
        return with_code(Examination(document, judged), elaboration, seed)
    return Examination(document, judged)


def verdict(statement: Statement, seed: int) -> Verdict:
    """The verdict on one statement; a mistake of ours in judging it costs this statement, not the document."""
    try:
        return judge_statement(statement, seed)
    except Exception as error:
        return Verdict("unchecked", reason=mistake(error))


def with_code(found: Examination, elaboration: Elaboration, seed: int) -> Examination:
    """The same, with the code cells run and compared with the formulas."""
    from lemmata.code.check import check_code, code_hints
    from lemmata.code.dependencies import local_modules
    from lemmata.lower.targets import targets

    document, folder = found.document, Path(found.document.path).parent
    stated = targets(elaboration)
    report = check_code(document.cells, stated, seed=seed, folder=folder, hints=code_hints(document))
    depends = local_modules(folder, (cell.source for cell in document.cells))
    return replace(found, targets={t.key: t.statement for t in stated}, code=report, depends=depends)
