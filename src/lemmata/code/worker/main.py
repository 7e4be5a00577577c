"""The worker: starts, confines itself, answers requests until its pipe closes.

    python -P -s -c '... main()' CONFIGURATION      (requests on standard input, answers on standard output)

The first process enters the namespaces, waits, and ends what is left; its child runs the cells.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from typing import Any

from lemmata.code.worker import sandbox
from lemmata.code.worker.framing import HEAD, pack, unpack

KERNEL = "LEMMATA_WORKER"
"""Environment variable that carries the configuration into a kernel."""


def main() -> None:
    config = json.loads(sys.argv[1])
    sys.argv = [""]
    requests, answers = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sandbox.die_with_parent(config["parent"])
    layers = sandbox.isolate(config["scratch"]) if config["isolate"] else ()
    user = sandbox.FIRST_USER + os.getpid() % sandbox.USERS
    if hasattr(os, "fork"):
        sandbox.adopt_orphans()
        if child := os.fork():
            os.close(requests)
            os.close(answers)
            os.waitpid(child, 0)
            sandbox.end_children()
            os._exit(0)
    layers += sandbox.confine(config["scratch"], user, bool(config["kernel"])) if config["isolate"] else ()
    contained = bool({"landlock", "read-only mounts"} & set(layers))
    sandbox.limit(config["seconds"], config["memory"], config["processes"], config["file"])
    os.chdir(config["scratch"])
    if config["kernel"]:
        for pipe in (requests, answers):
            os.set_inheritable(pipe, True)
        told = {"config": config, "pipes": [requests, answers], "layers": layers, "contained": contained}
        os.execvpe(config["kernel"][0], config["kernel"], {**os.environ, KERNEL: json.dumps(told)})
    _serve(config, requests, answers, layers, contained, None)


def serve_kernel() -> None:
    """Serve requests inside of a kernel that `main` has become; does not return."""
    told = json.loads(os.environ.pop(KERNEL))
    requests, answers = told["pipes"]
    for pipe in (requests, answers):
        os.set_inheritable(pipe, False)
    sys.path.append(sys.path.pop(0))
    sys.argv = [""]
    names = sys.modules["IPython"].get_ipython().user_ns
    _serve(told["config"], requests, answers, tuple(told["layers"]) + ("kernel",), told["contained"], names)


def _serve(
    config: dict[str, Any], requests: int, answers: int, layers: tuple[str, ...], contained: bool, names: Any
) -> None:
    """Answer until the pipe closes. `names`: the namespace of the cells, if there is one."""
    sys.path[:0] = [path for path in (*config["path"], config["scratch"]) if path not in sys.path]
    warnings.simplefilter("ignore")
    from lemmata.code.worker.cells import Runner
    from lemmata.code.worker.objects import Objects

    runner = Runner(config["seed"], config["output"], config["value"], names)
    objects = Objects(runner, config["value"])
    opened: set[str] = set()
    sandbox.watch(config["scratch"], contained, opened)
    runner.warm(config["warm"])
    _send(answers, {"layers": list(layers), "python": sys.version.split()[0]})
    while (request := _receive(requests)) is not None:
        if request["op"] == "surroundings":
            _send(answers, surroundings(runner, opened, config["scratch"]))
        elif request["op"] == "cells":  # an answer for each
            for answer in runner.run_all(request["cells"], request["seconds"], request["left"]):
                _send(answers, answer)
        else:
            _send(answers, _answer(request, runner, objects))
    os._exit(0)


def _answer(request: dict[str, Any], runner: Any, objects: Any) -> dict[str, Any]:
    from lemmata.code.worker.cells import OutOfTime, describe
    from lemmata.code.worker.recorder import states

    operation = request.pop("op")
    if operation == "run":
        return dict(runner.run(**request))
    if operation == "steps":
        return {"steps": states(runner.recorder.steps), "seen": states(runner.recorder.seen)}
    if operation == "weights":
        return {"weights": runner.witness.told()}
    if operation == "array":
        return {"value": runner.recorder.store.get(request["key"])}
    seconds = request.pop("seconds")
    result: dict[str, Any] = {}

    def act() -> None:
        result.update(getattr(objects, operation)(**request))

    try:
        error = runner.guarded(act, seconds)
    except OutOfTime as late:
        error = describe(late, "")
    runner.output.take()
    return {"failed": f"{error['type']}: {error['message']}"} if error else result


def surroundings(runner: Any, opened: set[str], scratch: str) -> dict[str, Any]:
    """What the cells rested on: versions of imported packages, devices of their arrays, files that they read."""
    from lemmata.code.worker import arrays

    versions = {}
    for name, module in sorted(sys.modules.items()):
        if "." not in name and isinstance(version := getattr(module, "__version__", None), str):
            versions[name] = version[:80]
    devices = set()
    for value in list(runner.names.values()):
        try:
            if arrays.framework(value) and (device := getattr(value, "device", None)) is not None:
                devices.add(_device(str(device)))
        except Exception:  # an object may do anything when looked at
            continue
    files = [f for path in sorted(opened) if (f := _data(path, scratch))]
    return {"versions": versions, "devices": sorted(devices), "files": files}


def _device(name: str) -> str:
    """`cuda:0 (NVIDIA H200)` for what PyTorch calls cuda:0."""
    torch = sys.modules.get("torch")
    if name.startswith("cuda") and torch is not None:
        return f"{name} ({torch.cuda.get_device_name(name)})"
    return name.replace(",", " ")[:80]


def _data(path: str, scratch: str) -> str:
    """The real path of a file that cells read; of one that is not there, as seen from the document. Empty for programs
    and the system's files."""
    real = os.path.realpath(path)
    if real.startswith(scratch + os.sep):
        return "" if os.path.exists(real) else os.path.relpath(real, scratch)
    homes = (sys.prefix, sys.base_prefix, sys.exec_prefix, "/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64")
    if real.endswith((".py", ".pyc", ".so", ".pth")) or any(real.startswith(home + os.sep) for home in homes):
        return ""
    return real if os.path.isfile(real) else ""


def _take_pipes() -> tuple[int, int]:
    """Move the pipes out of the way of cells: their standard streams lead nowhere."""
    requests, answers = os.dup(0), os.dup(1)  # closed when a cell starts another program
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return requests, answers


def _receive(pipe: int) -> dict[str, Any] | None:
    head = _exactly(pipe, HEAD.size)
    if head is None:
        return None
    header, arrays = HEAD.unpack(head)
    first, second = _exactly(pipe, header), _exactly(pipe, arrays)
    return None if first is None or second is None else unpack(first, second)


def _exactly(pipe: int, count: int) -> bytes | None:
    parts = []
    while count:
        part = os.read(pipe, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(pipe: int, message: dict[str, Any]) -> None:
    data = memoryview(pack(message))
    while data:
        data = data[os.write(pipe, data) :]
