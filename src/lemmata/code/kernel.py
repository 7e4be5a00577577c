"""A worker inside of a real Jupyter kernel, where a document or its reader asks for one; needs `jupyter_client`.

The kernel is started in the worker's confinement and told to serve the worker's requests on its pipes; from then on it
is a worker like any other, with the kernel's interpreter and packages.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).resolve().parents[2])
BOOT = f"import sys; sys.path.insert(0, {ROOT!r}); from lemmata.code.worker.main import serve_kernel; serve_kernel()"
MISSING = "a Jupyter kernel needs jupyter_client, which is not installed: pip install 'lemmata[kernel]'"


class NoKernel(Exception):
    """There is no such kernel, or it does not start; the message says why."""


class Kernel:
    """How a kernel is started, with its connection file in the scratch folder. Raises NoKernel."""

    def __init__(self, name: str, scratch: str) -> None:
        try:
            from jupyter_client.connect import write_connection_file
            from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
        except ImportError:
            raise NoKernel(MISSING) from None
        known = KernelSpecManager()
        try:
            spec = known.get_kernel_spec(name)
        except NoSuchKernel:
            there = ", ".join(sorted(known.find_kernel_specs())) or "none"
            raise NoKernel(f"there is no Jupyter kernel {name!r} here; installed: {there}") from None
        if str(spec.language).lower() != "python":
            raise NoKernel(f"the Jupyter kernel {name!r} speaks {spec.language}; only Python cells run")
        self.name = name
        self._client: Any = None
        self._file = os.path.join(scratch, ".kernel.json")
        write_connection_file(self._file, transport="ipc", ip=os.path.join(scratch, ".kernel"))
        os.chmod(self._file, 0o644)  # the folder is the worker's alone
        places = {"{connection_file}": self._file, "{resource_dir}": spec.resource_dir}
        self.command = [_filled(part, places) for part in spec.argv]
        if os.path.basename(self.command[0]) == self.command[0] and self.command[0].startswith("python"):
            self.command[0] = sys.executable  # as Jupyter itself does
        self.environment = {k: v for k, v in spec.env.items() if isinstance(v, str)}

    def begin(self, deadline: float, alive: Callable[[], bool]) -> None:
        """Wait for the kernel and let it serve the worker's pipes. Raises NoKernel."""
        from jupyter_client.blocking import BlockingKernelClient

        client: Any = BlockingKernelClient()
        client.load_connection_file(self._file)
        door = f"{os.path.splitext(self._file)[0]}-{client.shell_port}"
        while not os.path.exists(door):
            if time.monotonic() > deadline or not alive():
                raise NoKernel(f"the Jupyter kernel {self.name!r} did not start")
            time.sleep(0.02)
        client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
        self._client = client
        client.execute(BOOT, silent=True, store_history=False)

    def end(self) -> None:
        """The kernel serves its pipes, or is gone: let go of its other channels."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None


def _filled(part: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        part = part.replace(name, value)
    return part
