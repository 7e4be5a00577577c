"""Checks many documents: from the cache where nothing changed, the others here or in worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from lemmata.report.explain import Details
from lemmata.report.result import DocumentResult, Problem
from lemmata.surfaces.cache import Cache

MAX_BYTES = 64 * 2**20
"""Longer files are not documents that a person wrote."""


class Options(Struct, frozen=True):
    seed: int = 0
    code: bool = True
    lint: bool = False
    framework: str = ""
    """Whose cells run in documents with tabs for several."""
    kernel: str = ""
    """The Jupyter kernel that runs cells; empty for a plain worker, unless the document asks for one."""
    timeout: float = 30.0
    """Seconds of wall time for one cell; a document has four times as long."""


class Outcome(Struct, frozen=True):
    result: DocumentResult
    cached: bool = False


Check = Callable[[str, Options], DocumentResult]


def run(
    paths: Sequence[str],
    options: Options,
    cache: Cache | None = None,
    jobs: int = 1,
    done: Callable[[Outcome], None] = lambda outcome: None,
    check: Check | None = None,
) -> list[Outcome]:
    """The outcome of every document, in the order of `paths`. `done` hears of each as it is ready, in any order.

    `check` takes the place of `check_one`; with several jobs it has to be importable by its name.
    """
    outcomes: dict[str, Outcome] = {}
    contents: dict[str, bytes] = {}

    def finish(path: str, outcome: Outcome) -> None:
        outcomes[path] = outcome
        if cache is not None and not outcome.cached and path in contents:
            cache.store(path, contents.pop(path), outcome.result)
        done(outcome)

    todo = []
    for path in paths:
        data = _read(path)
        if isinstance(data, Problem):
            finish(path, Outcome(DocumentResult(path, problems=(data,))))
        elif cache is not None and (known := cache.load(path, data)) is not None:
            finish(path, Outcome(known, cached=True))
        else:
            todo.append(path)
            contents[path] = data if cache is not None else b""
    for path, result in _check_all(todo, options, jobs, check or check_one):
        finish(path, Outcome(result))
    return [outcomes[path] for path in paths]


def _read(path: str) -> bytes | Problem:
    """The bytes of a document, or why there are none."""
    try:
        file = Path(path)
        if not file.is_file():
            return Problem("cannot read this file: it is not a regular file")
        if (size := file.stat().st_size) > MAX_BYTES:
            return Problem(f"this file has {size // 2**20} MiB; documents up to {MAX_BYTES // 2**20} MiB are read")
        return file.read_bytes()
    except OSError as error:
        return Problem(f"cannot read this file: {(error.strerror or str(error)).lower()}")


def _check_all(paths: Sequence[str], options: Options, jobs: int, check: Check) -> Iterator[tuple[str, DocumentResult]]:
    if jobs <= 1 or len(paths) <= 1:
        for path in paths:
            yield path, check(path, options)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    context = multiprocessing.get_context("spawn")
    lost = []
    executor = ProcessPoolExecutor(min(jobs, len(paths)), mp_context=context, initializer=_start_worker)
    try:
        with _without_interrupts():
            futures = {executor.submit(check, path, options): path for path in paths}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                lost.append(futures[future])
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    executor.shutdown()
    for path in lost:  # one of them ended its worker; each now gets its own, so that the others are not hurt
        with ProcessPoolExecutor(1, mp_context=context, initializer=_start_worker) as alone:
            try:
                with _without_interrupts():
                    future = alone.submit(check, path, options)
                yield path, future.result()
            except BrokenProcessPool:
                yield path, DocumentResult(path, problems=(Problem("checking this document ended its process"),))


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C and signals to end wait while workers are started: none of them dies of one with a traceback."""
    import signal
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its first start unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Workers leave Ctrl-C to their parent, who ends them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})
    collect_rarely()


def collect_rarely() -> None:
    """For processes that check and end: terms are trees, and looking for cycles at the usual pace costs a tenth."""
    import gc

    gc.set_threshold(100_000, 20, 20)


def use_one_core() -> None:
    """For processes that check: their products are small, and threads that wait for one would take the core on which
    the cells run. Before NumPy is imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def check_one(path: str, options: Options) -> DocumentResult:
    """Check one document; whatever goes wrong becomes part of its result."""
    use_one_core()
    from lemmata.pipeline import check

    try:
        return check(
            path,
            seed=options.seed,
            code=options.code,
            lint=options.lint,
            framework=options.framework,
            kernel=options.kernel,
            timeout=options.timeout,
        )
    except Exception as error:
        return DocumentResult(path, problems=(_mistake(error),), reproducible=False)


def explain_one(
    path: str, options: Options, line: int | None = None, fuse: bool = True
) -> tuple[DocumentResult, Details]:
    """The result of one document with what else is known of its statements."""
    use_one_core()
    from lemmata.pipeline import explain

    try:
        return explain(
            path,
            seed=options.seed,
            code=options.code,
            framework=options.framework,
            kernel=options.kernel,
            timeout=options.timeout,
            line=line,
            fuse=fuse,
        )
    except Exception as error:
        return DocumentResult(path, problems=(_mistake(error),), reproducible=False), {}


def _mistake(error: Exception) -> Problem:
    """An error of ours as something to tell, with the place where it arose."""
    return Problem(
        f"checking this document failed: {type(error).__name__}: {error}"[:400],
        help=f"this is a mistake in lemmata ({_origin(error)}), not in the document; please report it",
    )


def mistake(error: Exception) -> str:
    """An error of ours that ends a command, in one line."""
    told = " ".join(str(error).split())[:400]
    return f"{type(error).__name__}: {told}; this is a mistake in lemmata ({_origin(error)}), please report it"


def _origin(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"
