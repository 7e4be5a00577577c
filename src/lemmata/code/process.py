"""Starts a worker, talks to it, and ends it with all its descendants when it goes past a limit."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lemmata.code.kernel import Kernel, NoKernel
from lemmata.code.limits import Limits
from lemmata.code.worker.framing import HEAD, BadMessage, pack, unpack

POLL = 0.05
LOOK = 0.25
"""Seconds between looks at the size of the scratch folder."""
GRACE = 1.0
"""Seconds that a worker has to stop a cell itself before it is ended."""
START = 75.0
"""Seconds until a worker answers for the first time, the import of frameworks included."""
MOST = 256 * 2**20
"""Bytes of an answer."""
ENTRIES = 2000
"""Entries of the document's folder that are linked into the scratch folder."""
PASSED = ("CUDA_", "KERAS_", "TF_", "JAX_", "XLA_", "LC_")
"""Environment variables that reach the cells start so."""
NAMED = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
ROOT = str(Path(__file__).resolve().parents[2])
PROGRAM = (
    f"import sys; sys.path.insert(0, {ROOT!r}); from lemmata.code.worker.main import main; "
    "sys.path.append(sys.path.pop(0)); main()"
)
"""The worker of this very package, though cells look for modules in its folder last."""


class WorkerLost(Exception):
    """The worker is gone; `kind` is timeout, memory, processes, disk, died, start or protocol."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Process:
    """A running worker. Close it, or use it as a context manager."""

    def __init__(
        self,
        limits: Limits,
        folder: Path | None,
        seed: int,
        isolate: bool = True,
        warm: Sequence[str] = (),
        kernel: str = "",
    ) -> None:
        """Returns while the worker starts. `warm`: packages that it imports meanwhile. `kernel`: name of the Jupyter
        kernel that it lives in. Raises WorkerLost if none can be started."""
        self.limits = limits
        self.warm = tuple(warm)
        self._open = True
        self._looked = 0.0
        if os.name == "nt":
            raise WorkerLost("start", "code cells do not run on Windows; use WSL, or --no-code")
        self.scratch = tempfile.mkdtemp(prefix="lemmata-")
        try:
            if folder is not None:
                _link(folder, Path(self.scratch))
            self._kernel = Kernel(kernel, self.scratch) if kernel else None
            config = {
                "kernel": self._kernel.command if self._kernel else [],
                "parent": os.getpid(),
                "isolate": isolate,
                "scratch": self.scratch,
                "path": [str(folder)] if folder is not None else [],
                "seed": seed,
                "warm": list(warm),
                "seconds": limits.total_seconds,
                "memory": limits.memory,
                "processes": limits.processes,
                "file": limits.file,
                "output": limits.output,
                "value": limits.value,
            }
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-s", "-c", PROGRAM, json.dumps(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.scratch,
                env=_environment(self.scratch) | (self._kernel.environment if self._kernel else {}),
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise WorkerLost("start", f"the worker could not be started: {error.strerror}") from None
        except NoKernel as error:
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise WorkerLost("start", str(error)) from None
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._requests, self._answers = self._popen.stdin.fileno(), self._popen.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._come = bytearray()
        self._victims: list[int] = []
        self._greeted = False
        self.layers: tuple[str, ...] = ()
        """What confines the worker; known after the first answer."""

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._open and self._popen.poll() is None

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request. Raises WorkerLost; the worker is then closed."""
        self.send(message, seconds)
        return self.receive(seconds)

    def send(self, message: dict[str, Any], seconds: float) -> None:
        """Hand over a request, as soon as the worker is there. Raises WorkerLost; the worker is then closed."""
        with self._closing():
            if not self._greeted:
                self._greet()
            self._send(pack(message), time.monotonic() + seconds + GRACE)

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next answer. Raises WorkerLost; the worker is then closed."""
        with self._closing():
            return self._receive(time.monotonic() + seconds + GRACE)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        if not self._open:
            raise WorkerLost("died", "the worker has ended")
        try:
            yield
        except NoKernel as error:
            self.close()
            raise WorkerLost("start", str(error)) from None
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        if self._kernel is not None:
            self._kernel.begin(time.monotonic() + START, lambda: self._popen.poll() is None)
        hello = self._receive(time.monotonic() + START)
        self.layers = tuple(map(str, hello.get("layers", ())))
        self._greeted = True
        if self._kernel is not None:
            self._kernel.end()

    def kill(self) -> None:
        """End the worker and everything it started; `close` removes what is left of it."""
        for _ in range(10):  # the first process last: it holds the others together
            found = [pid for pid in _descendants(self._popen.pid) if _runs(pid)]
            if not found:
                break
            self._victims += found
            for pid in found:
                _kill(pid)
        _kill(self._popen.pid)
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except (OSError, AttributeError):
            pass

    def close(self) -> None:
        """End the worker and everything it started, and remove its scratch folder."""
        if not self._open:
            return
        self._open = False
        if self._kernel is not None:
            self._kernel.end()
        self.kill()
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass
        try:
            self._popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        for turn in range(1, 110):  # descendants may still be ending, with files open in the folder
            _remove(self.scratch)
            if not os.path.exists(self.scratch) and not any(map(_runs, self._victims)):
                break
            time.sleep(0.001 * min(10, turn))

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._requests, view[: 1 << 16]) :]
            except BlockingIOError:
                self._wait(self._requests, selectors.EVENT_WRITE, deadline)
            except OSError:
                raise self._lost() from None

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            while not selector.select(POLL):
                self._watch(deadline)
        if time.monotonic() > deadline:
            self._watch(deadline)

    def _receive(self, deadline: float) -> dict[str, Any]:
        header, arrays = HEAD.unpack(self._exactly(HEAD.size, deadline))
        if header + arrays > MOST:
            raise WorkerLost("protocol", "the worker's answer is too long")
        try:
            return unpack(self._exactly(header, deadline), self._exactly(arrays, deadline))
        except BadMessage:
            raise WorkerLost("protocol", "the worker's answer cannot be read") from None

    def _exactly(self, count: int, deadline: float) -> bytes:
        """The next bytes of the worker, of whom more than these may have come already."""
        while len(self._come) < count:
            try:
                part = os.read(self._answers, max(1 << 16, min(1 << 20, count - len(self._come))))
            except BlockingIOError:
                self._wait(self._answers, selectors.EVENT_READ, deadline)
                continue
            if not part:
                raise self._lost()
            self._come += part
        found = bytes(self._come[:count])
        del self._come[:count]
        return found

    def _watch(self, deadline: float) -> None:
        """Raise WorkerLost if a limit is passed."""
        if time.monotonic() > deadline:
            raise WorkerLost("timeout", "ran longer than the time limit and could not be stopped otherwise")
        family = (self._popen.pid, *_descendants(self._popen.pid, self.limits.processes + 2))
        if len(family) > self.limits.processes + 1:
            raise WorkerLost("processes", f"started more than {self.limits.processes} processes")
        if sum(map(_resident, family)) > self.limits.memory:
            raise WorkerLost("memory", f"used more than {self.limits.memory // 2**20} MiB of memory")
        if time.monotonic() > self._looked + LOOK:
            if _size(self.scratch, self.limits.folder) > self.limits.folder:
                raise WorkerLost("disk", f"wrote more than {self.limits.folder // 2**20} MiB into the scratch folder")
            self._looked = time.monotonic()

    def _lost(self) -> WorkerLost:
        try:
            code = self._popen.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = None
        how = f" by signal {-code}" if code is not None and code < 0 else ""
        return WorkerLost("died", f"ended the process it ran in{how}")


def _environment(scratch: str) -> dict[str, str]:
    passed = {k: v for k, v in os.environ.items() if k in NAMED or k.startswith(PASSED)}
    return passed | {
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "lemmata",
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONUTF8": "1",
    }


def _link(folder: Path, scratch: Path) -> None:
    """Let relative paths of the document's folder be read from the scratch folder."""
    try:
        entries = sorted(os.listdir(folder))[:ENTRIES]
    except OSError:
        return
    home = os.path.realpath(folder)
    for entry in entries:
        try:
            os.symlink(os.path.join(home, entry), os.path.join(scratch, entry))
        except OSError:
            continue


def _remove(folder: str) -> None:
    """Remove a folder whatever is in it: closed folders, or so many inside each other that Python gives up."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:
        pass
    if os.path.exists(folder):
        for command in (["chmod", "-R", "u+rwX", folder], ["rm", "-rf", folder]):
            try:
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
            except (OSError, subprocess.SubprocessError):
                continue


def _size(folder: str, most: int) -> int:
    """Bytes in a folder, each entry counting for 512 at least; not much more than `most` are counted."""
    total, waiting = 0, [folder]
    while waiting and total <= most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    total += max(found.st_blocks * 512, 512)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    if total > most:
                        break
        except OSError:
            continue
    return total


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _runs(pid: int) -> bool:
    """Whether a process is there and has not ended; False where the system does not show it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def _descendants(pid: int, most: int = 100_000) -> list[int]:
    """Processes below `pid`; only where the system shows them as Linux does."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < most:
        parent = waiting.pop()
        try:
            tasks = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    children = [int(n) for n in file.read().split()]
            except (OSError, ValueError):
                continue
            found += children
            waiting += children
    return found


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds, shared libraries not counted; 0 where that cannot be known."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            fields = file.read().split()
        return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
