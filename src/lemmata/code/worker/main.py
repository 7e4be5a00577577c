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
    layers += sandbox.confine(config["scratch"], user) if config["isolate"] else ()
    contained = bool({"landlock", "read-only mounts"} & set(layers))
    sandbox.limit(config["seconds"], config["memory"], config["processes"], config["file"])
    os.chdir(config["scratch"])
    sys.path[:0] = [path for path in (*config["path"], config["scratch"]) if path not in sys.path]
    warnings.simplefilter("ignore")
    from lemmata.code.worker.cells import Runner
    from lemmata.code.worker.objects import Objects

    runner = Runner(config["seed"], config["output"], config["value"])
    objects = Objects(runner, config["value"])
    sandbox.watch(config["scratch"], contained)
    _send(answers, {"layers": list(layers), "python": sys.version.split()[0]})
    while (request := _receive(requests)) is not None:
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
    if operation == "array":
        return {"value": runner.recorder.store.get(request["key"])}
    if operation == "versions":
        return {"versions": _versions()}
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


def _versions() -> dict[str, str]:
    """Versions of the packages that the cells have imported, their own top-level modules."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if "." not in name and isinstance(version := getattr(module, "__version__", None), str):
            found[name] = version
    return found


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
