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

from lemmata.documents import read
from lemmata.documents.model import Document

if TYPE_CHECKING:
    from lemmata.code.session import Session
    from lemmata.derive.request import Answer
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
    document = read(fspath(path))
    if not (code and any(cell.executable for cell in document.cells)):
        from lemmata.stages import judged

        return judged(document, seed, lint)
    if reason := why_not_run(document):
        from lemmata.stages import judged, without_code

        return without_code(judged(document, seed, lint), reason)
    with worker(document, seed, framework, kernel, timeout) as session:
        from lemmata.stages import judged, with_code

        return with_code(judged(document, seed, lint), session, seed)


def why_not_run(document: Document) -> str:
    """What in the document's front matter keeps its cells from running."""
    if not document.metadata:
        return ""
    from lemmata.code.cells import switched_off

    return switched_off(document.metadata)


def worker(document: Document, seed: int, framework: str, kernel: str, timeout: float) -> Session:
    """A process of its own that runs the document's cells from now on; the caller closes it."""
    from lemmata.code.cells import kernel_of
    from lemmata.code.limits import Limits
    from lemmata.code.session import Session

    folder, kernel = Path(document.path).parent, kernel or kernel_of(document.metadata)
    limits = Limits(cell_seconds=timeout, total_seconds=4 * timeout)
    session = Session(document.cells, limits, folder=folder, seed=seed, framework=framework, kernel=kernel)
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

    document = read(fspath(path))
    broken = [d.message for d in document.diagnostics if d.severity == "error"]
    if broken and not document.formulas:
        raise Underivable(f"{fspath(path)}: {broken[0]}")
    return answer(elaborate(document), function, variable, order, steps, seed)
