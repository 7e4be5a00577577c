"""A check from file to result: read, begin to run the code, and meanwhile take the formulas through the stages.

Data flows one way:

    file --documents--> Document --elaborate--> Elaboration --lower, verify--> verdicts --repair--> fixes --+
                                            `------------code-------> comparisons ---------------------------+
                                                                                  DocumentResult <--report---'

The worker starts before the later stages are so much as imported (`lemmata.stages`), for the cells are what one waits
for.
"""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from lemmata.code.limits import Limits
    from lemmata.code.process import Process
    from lemmata.code.session import Session
    from lemmata.derive.request import Answer
    from lemmata.documents.model import Document
    from lemmata.report.collect import Examination
    from lemmata.report.explain import Details
    from lemmata.report.result import DocumentResult


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
    found = examine(path, seed=seed, code=code, lint=lint, framework=framework, kernel=kernel, timeout=timeout)
    from lemmata.report.collect import collect

    return collect(found)


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
    from lemmata.report.collect import collect, details

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
    if not code:
        return judged(_read(path), seed, lint)
    from lemmata.code.early import early
    from lemmata.code.limits import Limits

    limits = Limits(cell_seconds=timeout, total_seconds=4 * timeout)
    with early(fspath(path), limits, seed) as process:
        document = _read(path)
        if not any(cell.executable for cell in document.cells):
            return judged(document, seed, lint)
        if reason := why_not_run(document):
            return without_code(judged(document, seed, lint), reason)
        with worker(document, limits, seed, framework, kernel, process) as session:
            return with_code(judged(document, seed, lint), session, seed)


def _read(path: str | PathLike[str]) -> Document:
    from lemmata.documents import read

    return read(fspath(path))


def judged(document: Document, seed: int, lint: bool) -> Examination:
    """Verdicts on the formulas; nothing of these stages is imported before."""
    from lemmata.stages import judged

    return judged(document, seed, lint)


def without_code(found: Examination, reason: str) -> Examination:
    """The same, with why the code was not run."""
    from lemmata.code.check import CodeReport

    return replace(found, code=CodeReport(problem=f"the code was not run: {reason}"))


def with_code(found: Examination, session: Session, seed: int) -> Examination:
    """The same, with what the code cells made compared with the formulas."""
    from lemmata.code.check import check_session, code_hints
    from lemmata.code.dependencies import data_files, local_modules
    from lemmata.lower.targets import targets

    document, folder = found.document, Path(found.document.path).parent
    assert found.elaboration is not None
    stated = targets(found.elaboration)
    session.run()
    report = check_session(session, stated, seed=seed, hints=code_hints(document))
    depends = local_modules(folder, (cell.source for cell in document.cells))
    depends |= data_files(folder, report.surroundings.files)
    return replace(found, targets={t.key: t.statement for t in stated}, code=report, depends=depends)


def why_not_run(document: Document) -> str:
    """What in the document's front matter keeps its cells from running."""
    if not document.metadata:
        return ""
    from lemmata.code.cells import switched_off

    return switched_off(document.metadata)


def worker(
    document: Document, limits: Limits, seed: int, framework: str, kernel: str, process: Process | None
) -> Session:
    """A session that runs the document's cells from now on; the caller closes it."""
    from lemmata.code.cells import kernel_of
    from lemmata.code.session import Session

    folder, kernel = Path(document.path).parent, kernel or kernel_of(document.metadata)
    session = Session(
        document.cells, limits, folder=folder, seed=seed, framework=framework, kernel=kernel, process=process
    )
    session.start()
    return session


def derive(
    path: str | PathLike[str], function: str, variable: str, *, order: int = 1, steps: bool = False, seed: int = 0
) -> Answer:
    """The derivative of what the document at `path` defines, in its own notation, judged like any claim of it.

    Raises Underivable, which says what the document does define, or why it cannot be read.
    """
    from lemmata.derive.derivation import Underivable
    from lemmata.derive.request import answer
    from lemmata.elaborate.document import elaborate

    document = _read(path)
    broken = [d.message for d in document.diagnostics if d.severity == "error"]
    if broken and not document.formulas:
        raise Underivable(f"{fspath(path)}: {broken[0]}")
    return answer(elaborate(document), function, variable, order, steps, seed)
