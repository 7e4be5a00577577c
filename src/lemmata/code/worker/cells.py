"""Runs one cell in the namespace of its document: its time, its output, its error as data."""

from __future__ import annotations

import ast
import importlib
import io
import linecache
import os
import random
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lemmata.code.worker import arrays
from lemmata.code.worker.instrument import SEEN, STEP, instrument
from lemmata.code.worker.recorder import Recorder
from lemmata.code.worker.sandbox import Started
from lemmata.code.worker.weights import ATTENTION, FUSED, SCORES, WEIGHTS, Witness, instrument_weights

MESSAGE = 300
"""Characters of an error message."""
LEAST = 0.05
"""Seconds below which nothing is begun."""
WARM = 60.0
"""Seconds for importing frameworks ahead of the cells."""


class OutOfTime(BaseException):
    """Not an Exception, so that `except Exception` in a cell does not swallow it."""


class TooMuchOutput(BaseException):
    pass


class Output(io.TextIOBase):
    """What the cells print, up to a limit."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> int:
        text = str(text)
        room = self.most - self.size
        if room > 0:
            self.parts.append(text[:room])
        self.size += len(text)
        if self.size > self.most:
            raise TooMuchOutput
        return len(text)

    def writable(self) -> bool:
        return True

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts, self.size = [], 0
        return text


class Shell:
    """What `get_ipython()` gives where there is no IPython: magics and shell commands do nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None


class Runner:
    """The live namespace of a document."""

    def __init__(self, seed: int, output: int, value: int, names: dict[str, Any] | None = None) -> None:
        """`names`: the namespace of a kernel; without it, that of a new `__main__`."""
        if names is None:
            sys.modules["__main__"] = module = types.ModuleType("__main__")
            names = module.__dict__
            names |= {"display": print, "get_ipython": Shell}
        self.names = names
        self.recorder = Recorder(self.names, value)
        self.witness = Witness()
        self.attention = False
        """Whether a cell has spoken of attention."""
        self.output = Output(output)
        self.seed = seed
        self.pid = os.getpid()
        self.started = Started()
        self._seeded: set[str] = set()
        self.names |= {SCORES: self.witness.scores, WEIGHTS: self.witness.weights, FUSED: self.witness.fused}
        self.names |= {STEP: self.recorder.step, SEEN: self.recorder.value}
        random.seed(seed)

    def run_all(self, cells: list[tuple[int, str]], seconds: float, left: float) -> Iterator[dict[str, Any]]:
        """Run (number, source) after one another, each for `seconds` at most, all of them for `left`; `late` is told
        of those for which there is no time."""
        ends = time.monotonic() + left
        for cell, source in cells:
            left = ends - time.monotonic()
            yield {"late": True} if left <= LEAST else self.run(cell, source, min(seconds, left))
            self.started.settle()

    def run(self, cell: int, source: str, seconds: float) -> dict[str, Any]:
        """Run a cell; the answer has `error` (None, or type, message and line in the cell) and `output`."""
        name = f"<cell {cell}>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        self.recorder.cell = self.witness.cell = cell
        importlib.invalidate_caches()  # an earlier cell may have written a module
        try:
            tree = ast.parse(source, name)
            self.seed_frameworks(imports(tree))
            instrument_weights(tree, self.attention)
            self.attention = self.attention or ATTENTION.search(source) is not None
            code = compile(instrument(tree), name, "exec")
        except BaseException as error:
            return {"error": describe(error, name), "output": ""}
        self.witness.active = True
        failure = self.guarded(lambda: exec(code, self.names), seconds, name)
        self.guarded(self.witness.finished, seconds)
        self.seed_frameworks(())
        return {"error": failure, "output": self.output.take()}

    def guarded(self, action: Callable[[], object], seconds: float, name: str = "") -> dict[str, Any] | None:
        """Do `action` with captured output and a time limit; its error as data."""
        streams = sys.stdout, sys.stderr
        try:
            sys.stdout = sys.stderr = self.output
            with _deadline(seconds):
                action()
            return None
        except BaseException as error:
            return describe(error, name)
        finally:
            if os.getpid() != self.pid:
                os._exit(0)  # a process that the cell forked must not go on as a second worker
            sys.stdout, sys.stderr = streams

    def warm(self, packages: list[str]) -> None:
        """Import frameworks that the cells will import, before anybody waits for them."""
        self.guarded(lambda: self.seed_frameworks(tuple(packages)), WARM)
        self.output.take()

    def seed_frameworks(self, imported: tuple[str, ...]) -> None:
        """Give every framework that the document uses the seed, once, and before its first use where possible."""
        for name in arrays.FRAMEWORKS:
            if name in self._seeded:
                continue
            if name in imported:
                try:
                    __import__(name)
                except BaseException:  # the cell's own import will say so
                    continue
            if name in sys.modules:
                try:
                    self.reseed(name)
                    self._seeded.add(name)
                except Exception:
                    continue

    def reseed(self, name: str) -> None:
        module = sys.modules[name]
        if name == "torch":
            module.manual_seed(self.seed)
        elif name == "numpy":
            module.random.seed(self.seed % 2**32)
        elif name == "tensorflow":
            module.random.set_seed(self.seed)


def describe(error: BaseException, name: str) -> dict[str, Any]:
    """An exception as data: type, message, line in cell `name` (None if it has none)."""
    kind = type(error).__name__
    if isinstance(error, OutOfTime):
        kind, text = "timeout", "ran longer than the time limit"
    elif isinstance(error, TooMuchOutput):
        kind, text = "output", "printed more than the limit"
    elif isinstance(error, SystemExit):
        kind, text = "exit", "called exit"
    elif isinstance(error, MemoryError):
        kind, text = "memory", "asked for more memory than the limit"
    else:
        try:
            text = str(error.msg if isinstance(error, SyntaxError) else error)
        except BaseException:
            text = "(its message cannot be printed)"
    line = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None and not isinstance(error, SyntaxError):
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    missing = error.name if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str) else None
    return {"type": kind[:80], "message": clean(text), "line": line, "missing": missing}


def clean(text: str) -> str:
    """The first line of a text, printable and not too long."""
    text = " ".join(str(text)[: 4 * MESSAGE].split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= MESSAGE else text[: MESSAGE - 1] + "…"


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in this block after `seconds`, again and again until the block ends."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(number: int, frame: object) -> None:
        raise OutOfTime

    try:
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.25)
        yield
    finally:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                break
            except OutOfTime:
                continue


def imports(tree: ast.Module) -> tuple[str, ...]:
    """Top-level names of the packages that a module imports anywhere."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name.split(".")[0] for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module.split(".")[0])
    return tuple(found)
