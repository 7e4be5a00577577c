"""The whole of a check on one screen: read, elaborate, judge, run the code, report.

Data flows one way:

    file --documents--> Document --elaborate--> Elaboration --lower, verify--> verdicts --repair--> fixes --+
                                            `------------code-------> comparisons ---------------------------+
                                                                                  DocumentResult <--report---'
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lemmata.consistency import contradictions
from lemmata.consistency.merge import merged
from lemmata.counting import counts
from lemmata.diagnostic import Diagnostic, mistake, stage_failed
from lemmata.documents import read
from lemmata.documents.model import Document
from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement, under_conditions
from lemmata.report.collect import Examination, collect, details
from lemmata.report.explain import Details
from lemmata.report.result import DocumentResult
from lemmata.verify.verdict import Verdict

if TYPE_CHECKING:
    from lemmata.code.check import CodeReport
    from lemmata.code.session import Session
    from lemmata.consistency.survey import Contradiction
    from lemmata.derive.request import Answer
    from lemmata.lint.finding import Finding
    from lemmata.repair import Fix


def check(
    path: str | PathLike[str],
    *,
    seed: int = 0,
    code: bool = True,
    lint: bool = False,
    framework: str = "",
    kernel: str = "",
    timeout: float = 30.0,
) -> DocumentResult:
    """Judge every statement of the document at `path`; with `code`, run its cells and compare them too.

    With `lint`, the result also says what would be read more easily in another notation. `framework`: whose cells run
    in a document with tabs for several. `kernel`: the Jupyter kernel that runs them, instead of a plain worker.
    `timeout`: seconds of wall time for one cell; the document has four times as long.

    A document that cannot be read is a result that says so. The same document, seed and versions give the same result.
    """
    return collect(examine(path, seed=seed, code=code, lint=lint, framework=framework, kernel=kernel, timeout=timeout))


def explain(
    path: str | PathLike[str],
    *,
    seed: int = 0,
    code: bool = True,
    framework: str = "",
    kernel: str = "",
    timeout: float = 30.0,
    line: int | None = None,
    fuse: bool = True,
) -> tuple[DocumentResult, Details]:
    """The result of a check and, for each of its statements, how it was understood.

    Definitions on `line` also say which operations of a framework they run as, where `fuse` lets them.
    """
    found = examine(path, seed=seed, code=code, framework=framework, kernel=kernel, timeout=timeout)
    return collect(found), details(found, line, fuse)


def examine(
    path: str | PathLike[str],
    *,
    seed: int = 0,
    code: bool = True,
    lint: bool = False,
    framework: str = "",
    kernel: str = "",
    timeout: float = 30.0,
) -> Examination:
    """Take the document through every stage, keeping what each of them made."""
    document = read(fspath(path))
    if code and (reason := why_not_run(document)):
        return replace(judge(elaborate(document), seed, lint), code=not_run(reason))
    if code and any(cell.executable for cell in document.cells):
        with worker(document, seed, framework, kernel, timeout) as session:  # starts while the formulas are judged
            elaboration = elaborate(document)
            return with_code(judge(elaboration, seed, lint), elaboration, session, seed)
    return judge(elaborate(document), seed, lint)


def judge(elaboration: Elaboration, seed: int, lint: bool) -> Examination:
    """Verdicts on the formulas, with corrections and what the document contradicts."""
    judged = under_conditions([(statement, verdict(statement, seed)) for statement in elaboration.statements])
    path = elaboration.document.path
    told: list[Diagnostic] = []

    def failed(stage: str, error: Exception) -> None:
        told.append(stage_failed(stage, error, path))

    against = contradictions(elaboration, failed)
    stated = merged(judged, (*against, *counts(elaboration, failed)))
    fixes = corrections(elaboration, stated, against, seed, told)
    remarks = notation(elaboration, told) if lint else ()
    return Examination(
        elaboration.document, stated, fixes=fixes, lint=remarks, told=tuple(told), elaboration=elaboration
    )


def notation(elaboration: Elaboration, told: list[Diagnostic]) -> tuple[Finding, ...]:
    """What lint finds; a mistake of ours there costs the remarks, not the verdicts."""
    from lemmata.lint import lint

    try:
        return lint(elaboration)
    except Exception as error:
        told.append(stage_failed("lint", error, elaboration.document.path))
        return ()


def derive(
    path: str | PathLike[str], function: str, variable: str, *, order: int = 1, steps: bool = False, seed: int = 0
) -> Answer:
    """The derivative of what the document at `path` defines, in its own notation, judged like any claim of it.

    Raises Underivable, which says what the document does define, or why it cannot be read.
    """
    from lemmata.derive.derivation import Underivable
    from lemmata.derive.request import answer

    document = read(fspath(path))
    broken = [d.message for d in document.diagnostics if d.severity == "error"]
    if broken and not document.formulas:
        raise Underivable(f"{fspath(path)}: {broken[0]}")
    return answer(elaborate(document), function, variable, order, steps, seed)


def verdict(statement: Statement, seed: int) -> Verdict:
    """The verdict on one statement; a mistake of ours in judging it costs this statement, not the document."""
    try:
        return judge_statement(statement, seed)
    except Exception as error:
        return Verdict("unchecked", reason=mistake(error))


def corrections(
    elaboration: Elaboration,
    judged: Sequence[tuple[Statement, Verdict]],
    against: Sequence[Contradiction],
    seed: int,
    told: list[Diagnostic],
) -> dict[int, tuple[Fix, ...]]:
    """Small corrections of what was refuted, by the identity of the statement."""
    refuted = [(statement, verdict) for statement, verdict in judged if verdict.kind == "refuted"]
    if not refuted:
        return {}
    from lemmata.consistency.removal import corrected
    from lemmata.repair import repair

    found: dict[int, tuple[Fix, ...]] = {}
    for statement, verdict in refuted:
        try:
            fixes = repair(elaboration, statement, seed)
            fixes += corrected(elaboration, against, statement.formula, verdict.reason, seed)
            found[id(statement)] = tuple({fix.formula: fix for fix in fixes}.values())[:3]
        except Exception as error:  # a mistake of ours here must not cost the verdict
            told.append(stage_failed("the search for corrections", error, elaboration.document.path))
    return found


def why_not_run(document: Document) -> str:
    """What in the document's front matter keeps its cells from running."""
    if not document.metadata or not document.cells:
        return ""
    from lemmata.code.cells import switched_off

    return switched_off(document.metadata)


def not_run(reason: str) -> CodeReport:
    """The report on code that the document itself keeps from running."""
    from lemmata.code.check import CodeReport

    return CodeReport(problem=f"the code was not run: {reason}")


def worker(document: Document, seed: int, framework: str, kernel: str, timeout: float) -> Session:
    """A process of its own that is about to run the document's cells; the caller closes it."""
    from lemmata.code.cells import kernel_of
    from lemmata.code.limits import Limits
    from lemmata.code.session import Session

    folder, kernel = Path(document.path).parent, kernel or kernel_of(document.metadata)
    limits = Limits(cell_seconds=timeout, total_seconds=4 * timeout)
    session = Session(document.cells, limits, folder=folder, seed=seed, framework=framework, kernel=kernel)
    session.start()
    return session


def with_code(found: Examination, elaboration: Elaboration, session: Session, seed: int) -> Examination:
    """The same, with the code cells run and compared with the formulas."""
    from lemmata.code.check import check_session, code_hints
    from lemmata.code.dependencies import data_files, local_modules
    from lemmata.lower.targets import targets

    document, folder = found.document, Path(found.document.path).parent
    session.run()
    stated = targets(elaboration)
    report = check_session(session, stated, seed=seed, hints=code_hints(document))
    depends = local_modules(folder, (cell.source for cell in document.cells))
    depends |= data_files(folder, report.surroundings.files)
    return replace(found, targets={t.key: t.statement for t in stated}, code=report, depends=depends)
