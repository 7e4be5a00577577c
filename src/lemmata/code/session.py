"""The cells of a document, run once, and the live namespace they leave behind."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from lemmata.code import tabs
from lemmata.code.cells import CellError, Prepared, place, prepare_all
from lemmata.code.limits import Limits
from lemmata.code.process import Process, WorkerLost
from lemmata.code.worker import arrays
from lemmata.code.worker.cells import LEAST, imports
from lemmata.documents.model import CodeCell, Position

if TYPE_CHECKING:
    import numpy as np

RESTARTS = 3
LATE = "not run: the cells before it used up the time of the document"
EXTRAS = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow", "keras": "tensorflow"}
"""Packages that come with an extra of this project."""


class CellResult(Struct, frozen=True):
    index: int
    status: str
    """`ran`, `failed` or `skipped`."""
    error: CellError | None = None
    output: str = ""
    reason: str = ""
    """Why it was skipped."""
    notes: tuple[tuple[Position, str], ...] = ()
    """(place in the document, remark), such as a shell command that was not run."""


class Step(Struct, frozen=True):
    """The variables after a statement outside functions, or where a value was printed."""

    cell: int
    line: int
    """In the document."""
    assigned: tuple[str, ...]
    state: Mapping[str, str]
    """Names (`w`, `w.grad`, `model.weight`) with the keys of their arrays."""
    label: str = ""
    """The text printed before the value."""
    value: str = ""
    """Key of the printed value; empty for statements."""


class Surroundings(Struct, frozen=True):
    """What cells rested on besides their own text."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the packages that are loaded."""
    devices: tuple[str, ...] = ()
    """Where the arrays of the namespace lie: `cpu`, `cuda:0`."""
    files: tuple[str, ...] = ()
    """Data that was read through Python: real paths; of what was not there, the path beside the document."""


class Failed(Exception):
    """The worker could not do what it was asked; the message says why."""


class Session:
    """A worker with the document's namespace. Requests raise Failed; none of them hangs or harms this process."""

    def __init__(
        self,
        cells: Sequence[CodeCell],
        limits: Limits | None = None,
        *,
        folder: Path | None = None,
        seed: int = 0,
        framework: str = "",
        kernel: str = "",
        process: Process | None = None,
    ) -> None:
        """`process`: a worker for this folder with these limits and this seed, if there is one already; its owner
        closes it. It is used if it imports what the cells do."""
        self.limits = limits or Limits()
        self.prepared = prepare_all(cells, framework)
        self.problem = tabs.missing(cells, framework)
        """Why cells that are meant to run do not."""
        self.results: tuple[CellResult, ...] = ()
        self.layers: tuple[str, ...] = ()
        self._folder = folder
        self._seed = seed
        self._kernel = kernel
        self._process: Process | None = None
        self._early = process
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[tuple[CellResult, ...]] | None = None
        self._closing = False
        self._ends = math.inf
        self._arrays: dict[str, np.ndarray] = {}
        self._lost: set[int] = set()
        self._why_none = ""
        """Why no worker can be had at all."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def close(self) -> None:
        """End the worker, and the run of the cells where it is not over."""
        self._closing = True
        if self._thread is not None:
            if (process := self._process) is not None:
                process.kill()  # what waits for its answer hears that it is gone
            self._thread.shutdown(cancel_futures=True)
            self._thread = None
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def start(self) -> None:
        """Run the cells while the caller does something else."""
        self._thread = ThreadPoolExecutor(1)  # lives as long as the session: a worker ends with the thread it is from
        self._running = self._thread.submit(self._run)

    def run(self) -> None:
        """Run every cell in order. One that takes the worker with it is left out when the others are run anew."""
        if self._running is None:
            self.start()
        assert self._running is not None
        try:
            self.results = self._running.result()
        except BaseException:
            self.close()
            raise

    def _run(self) -> tuple[CellResult, ...]:
        self._ends = time.monotonic() + self.limits.total_seconds
        outcomes = {n: self._skipped(p) for n, p in enumerate(self.prepared) if p.skipped}
        waiting = [n for n, p in enumerate(self.prepared) if not p.skipped]
        while waiting:
            try:
                again = self._ready(outcomes)
                for number, answer in self._answers(again, waiting):
                    outcomes[number] = self._result(self.prepared[number], answer)
            except WorkerLost as lost:
                self._end()
                number = next(n for n in waiting if n not in outcomes)
                self._lost.add(number)
                self._why_none = str(lost) if lost.kind == "start" else self._why_none
                outcomes[number] = self._failed(self.prepared[number], lost)
            waiting = [n for n in waiting if n not in outcomes]
        return tuple(outcomes[n] for n in range(len(self.prepared)))

    def _skipped(self, prepared: Prepared) -> CellResult:
        return CellResult(prepared.cell.index, "skipped", reason=prepared.skipped, notes=_notes(prepared))

    def _failed(self, prepared: Prepared, lost: WorkerLost) -> CellResult:
        error = CellError(prepared.cell.index, place(prepared.cell, None), lost.kind, str(lost))
        return CellResult(prepared.cell.index, "failed", error, notes=_notes(prepared))

    def _result(self, prepared: Prepared, answer: Mapping[str, Any]) -> CellResult:
        if answer.get("late"):
            return self._failed(prepared, WorkerLost("not tried", LATE))
        index, notes, found = prepared.cell.index, _notes(prepared), answer.get("error")
        output = str(answer.get("output", ""))[: self.limits.output]
        if not isinstance(found, dict):
            return CellResult(index, "ran", output=output, notes=notes)
        return CellResult(index, "failed", _error(prepared, found), output, notes=notes)

    def _ready(self, before: Mapping[int, CellResult]) -> list[int]:
        """See to a worker; which cells that ran before a new one has to run again. Raises WorkerLost."""
        if self._process is not None and self._process.alive:
            return []
        self._end()
        if self._why_none:
            raise WorkerLost("not tried", f"not run: {self._why_none}")
        if len(self._lost) > RESTARTS:
            raise WorkerLost("not tried", "not run: earlier cells ended the worker too often")
        imported = {name for p in self.prepared if p.tree is not None for name in imports(p.tree)}
        warm = [n for n in arrays.FRAMEWORKS if n in imported]
        early, self._early = self._early, None
        if early is not None and early.alive and early.warm == tuple(warm) and not self._kernel:
            self._process = early
        else:
            self._process = Process(self.limits, self._folder, self._seed, warm=warm, kernel=self._kernel)
        if self._closing:
            raise WorkerLost("not tried", "not run: stopped")
        return [
            number
            for number, result in sorted(before.items())
            if result.status != "skipped"
            and number not in self._lost
            and not (result.error and result.error.kind in SLOW)
        ]

    def _answers(self, again: Sequence[int], waiting: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """What the worker tells of every cell that waits, as it tells it. Raises WorkerLost."""
        assert self._process is not None
        cells = [[p.cell.index, p.source] for p in map(self.prepared.__getitem__, (*again, *waiting))]
        left = self._ends - time.monotonic()
        request = {"op": "cells", "cells": cells, "seconds": self.limits.cell_seconds, "left": left}
        self._process.send(request, self.limits.cell_seconds)
        self.layers = self._process.layers
        for number in (*again, *waiting):
            answer = self._process.receive(min(self.limits.cell_seconds, max(0.0, self._ends - time.monotonic())))
            if number not in again:
                yield number, answer

    def _seconds(self) -> float:
        left = self._ends - time.monotonic()
        if left <= LEAST:
            raise WorkerLost("not tried", LATE)
        return min(self.limits.cell_seconds, left)

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """The answer to a request about the namespace. Raises Failed."""
        if self._process is None:
            raise Failed("the cells' worker has ended")
        try:
            seconds = self._seconds()
            timed = {} if operation in ("steps", "array", "weights", "surroundings") else {"seconds": seconds}
            answer = self._process.ask({"op": operation, **request, **timed}, seconds)
        except WorkerLost as lost:
            self._end()
            raise Failed(str(lost)) from None
        if "failed" in answer:
            raise Failed(str(answer["failed"])[:400])
        return answer

    def array(self, key: str) -> np.ndarray | None:
        """The array of a step's state by its key. Raises Failed."""
        import numpy as np

        if key not in self._arrays:
            value = self.ask("array", key=key).get("value")
            if not isinstance(value, np.ndarray):
                return None
            self._arrays[key] = value
        return self._arrays[key]

    def steps(self) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """(after statements, printed values), in the order of execution. Raises Failed."""
        answer = self.ask("steps")
        cells = {p.cell.index: p.cell for p in self.prepared}
        try:
            return tuple(_steps(answer["steps"], cells)), tuple(_steps(answer["seen"], cells))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Failed("the worker's answer cannot be read") from None

    def weights(self) -> list[dict[str, Any]]:
        """The softmax-weighted sums that the cells ran, with their places in the document. Raises Failed."""
        try:
            events = list(self.ask("weights")["weights"])
            return [{**e, "at": self.position(int(e["cell"]), int(e["line"]))} for e in events]
        except (KeyError, TypeError, ValueError, StopIteration):
            raise Failed("the worker's answer cannot be read") from None

    def surroundings(self) -> Surroundings:
        """What the cells rested on besides their own text. Raises Failed."""
        answer = self.ask("surroundings")
        try:
            versions = {str(k): str(v) for k, v in answer["versions"].items()}
            return Surroundings(versions, tuple(map(str, answer["devices"])), tuple(map(str, answer["files"])))
        except (KeyError, TypeError, AttributeError):
            raise Failed("the worker's answer cannot be read") from None

    def position(self, cell: int, line: int) -> Position:
        """The place in the document of a line of a cell."""
        return place(next(p.cell for p in self.prepared if p.cell.index == cell), line)

    def position_line(self, cell: int, line: int) -> int:
        """The line of the document for a line of a cell."""
        return self.position(cell, line).line


SLOW = frozenset({"timeout", "memory", "output", "disk"})
"""Errors of cells that are not run again when a worker has to be replaced."""


def _notes(prepared: Prepared) -> tuple[tuple[Position, str], ...]:
    return tuple((place(prepared.cell, line), text) for line, text in prepared.notes)


def _steps(entries: Any, cells: Mapping[int, CodeCell]) -> Iterator[Step]:
    state: dict[str, str] = {}
    for entry in entries:
        for name, key in entry["state"].items():
            if key is None:
                state.pop(name, None)
            else:
                state[str(name)] = str(key)
        line = place(cells[entry["cell"]], int(entry["line"])).line
        assigned = tuple(map(str, entry.get("assigned", ())))
        label, value = str(entry.get("label", "")), str(entry.get("key", ""))
        yield Step(int(entry["cell"]), line, assigned, dict(state), label, value)


def _error(prepared: Prepared, found: Mapping[str, Any]) -> CellError:
    cell = prepared.cell
    line = found.get("line")
    kind, message, missing = str(found.get("type", "")), str(found.get("message", "")), found.get("missing")
    help = ""
    if isinstance(missing, str) and missing.isidentifier():
        extra = EXTRAS.get(missing)
        message = f"this cell needs {missing}, which is not installed"
        help = f"pip install 'lemmata[{extra}]'" if extra else f"pip install {missing}"
    position = place(cell, line if isinstance(line, int) else None)
    return CellError(cell.index, position, kind, message or kind, help, prepared.may_fail)


def run_cells(
    cells: Sequence[CodeCell],
    limits: Limits | None = None,
    *,
    folder: Path | None = None,
    seed: int = 0,
    framework: str = "",
    kernel: str = "",
) -> Session:
    """Run the cells of a document in a worker of their own; the caller closes the session.

    `folder`: where the document lies; its files can be read by relative paths and its modules imported. Cells that fail
    are among the results with their line; later cells run all the same. `framework`: whose tabs are taken.
    `kernel`: the Jupyter kernel that runs them.
    """
    session = Session(cells, limits, folder=folder, seed=seed, framework=framework, kernel=kernel)
    session.run()
    return session
