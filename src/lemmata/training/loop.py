"""The training loop: batch, loss, gradient, the document's step; figures and checkpoints on the way."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from torch import Tensor

from lemmata.model import Model
from lemmata.training import checkpoint
from lemmata.training.data import Data, chosen_at, load, tensors
from lemmata.training.maps import attention_weights
from lemmata.training.network import Network, beam
from lemmata.training.optimizer import optimizer
from lemmata.training.processes import Process, process
from lemmata.training.record import Record, shown
from lemmata.training.setup import BadSetup, Setup, check_document

LONG = 1000
"""Held-out examples are decoded so many at a time."""


class Diverged(ArithmeticError):
    """A loss that is no finite number."""


class Report(Struct, frozen=True):
    """What came out of a run."""

    steps: int
    interrupted: bool
    losses: tuple[tuple[int, float], ...]
    """The loss at the steps that this run took, in order."""
    seconds: float
    tokens_per_second: float
    """Of source, written and labels that are no filling, over all processes."""
    held_out_loss: float | None = None
    right: float | None = None
    """The share of held-out examples that are reproduced exactly; of classes, the share told rightly."""
    shown: tuple[tuple[str, str, str], ...] = ()
    """Some held-out examples: source, target, what the network says."""


def run(
    model: Model,
    chosen: Setup,
    out: Path,
    *,
    resume: bool = False,
    device: str | None = None,
    console: Console | None = None,
    data: Data | None = None,
) -> Report:
    """Train the document's loss as the settings say; weights, checkpoints and figures are in the folder `out`.

    Under `torchrun` all processes train together. Raises BadSetup for settings that do not fit, NoRule for an
    optimiser that the document does not give, CannotRun for definitions without a meaning that can be run, Diverged.
    """
    check_document(model, chosen)
    with process(device, chosen.batch) as here:
        torch.manual_seed(chosen.seed)
        data = data or load(chosen)
        trainer = Trainer(model, chosen, data, here)
        if here.first:
            out.mkdir(parents=True, exist_ok=True)
        here.wait()
        start = trainer.resume(out) if resume else 0
        return trainer.run(out, start, console or Console(quiet=not here.first))


class Trainer:
    """A network, its optimiser and its data on one process."""

    def __init__(self, model: Model, chosen: Setup, data: Data, here: Process) -> None:
        self.chosen, self.data, self.here = chosen, data, here
        sizes = dict(chosen.sizes)
        sizes.setdefault(chosen.vocabulary, len(data.vocabulary))
        if chosen.classes:
            sizes.setdefault(chosen.classes, len(data.labels))
        self.network = Network(model, chosen, sizes).to(here.device)
        self.optimizer = optimizer(self.network.parameters(), model, chosen)
        self.wrapped = here.wrapped(self.network)
        kind = here.device.type
        self.half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(chosen.precision)
        self.scaler = torch.amp.GradScaler(kind, enabled=chosen.precision == "fp16")

    def resume(self, out: Path) -> int:
        """The steps that a checkpoint has behind it, 0 without one. Raises BadSetup where it is of other settings."""
        state = checkpoint.load(out)
        if state is None:
            return 0
        free = ("steps", "save_every", "show_every", "beam", "held_out")
        own = self.chosen.plain()
        other = [k for k, v in state["setup"].items() if k not in free and own.get(k) != v]
        if other:
            differ = ", ".join(f"{k} was {state['setup'][k]!r}, is {own.get(k)!r}" for k in other)
            raise BadSetup(f"{out}: holds a run with other settings: {differ}")
        return checkpoint.restore(state, self.network, self.optimizer, self.scaler)

    def batch(self, step: int) -> dict[str, Tensor]:
        """This process' share of the examples of a step."""
        picked = chosen_at(step, len(self.data.train), self.chosen.batch, self.chosen.seed)
        whole = tensors([self.data.train[i] for i in picked], self.data, self.chosen)
        mine = self.here.share(list(range(len(picked))))
        return {role: x[mine].to(self.here.device) for role, x in whole.items()}

    def step(self, examples: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Take one step; the loss before it, and the length of the gradient."""
        with torch.autocast(self.here.device.type, dtype=self.half, enabled=self.half is not None):
            loss = self.wrapped(**examples)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        limit = self.chosen.clip or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return self.here.mean(loss), float(norm)

    def run(self, out: Path, start: int, console: Console) -> Report:
        chosen, first = self.chosen, self.here.first
        record = Record(out, start) if first else None
        losses: list[tuple[int, float]] = []
        counted, began = 0, time.monotonic()
        taken = start
        try:
            with shown(console, chosen.steps, start) as show, _stopped(self.here.count == 1) as stopped:
                for step in range(start, chosen.steps):
                    examples = self.batch(step)
                    loss, norm = self.step(examples)
                    value = float(loss)
                    if value != value or abs(value) == float("inf"):
                        raise Diverged(f"the loss is {value} at step {step + 1}; the gradient's length was {norm:.3g}")
                    taken = step + 1
                    losses.append((taken, value))
                    counted += sum(int((x != chosen.padding).sum()) for x in examples.values())
                    show(taken, value)
                    self._note(record, taken, value, norm, examples)
                    ends = stopped() or taken == chosen.steps
                    if first and (taken % chosen.save_every == 0 or ends):
                        checkpoint.save(out, taken, self.network, self.optimizer, self.scaler, chosen.plain())
                    if stopped():
                        break
        finally:
            if record is not None:
                record.close()
        seconds = time.monotonic() - began
        report = Report(taken, taken < chosen.steps, tuple(losses), seconds,
                        counted * self.here.count / seconds if losses else 0.0)  # fmt: skip
        self.here.wait()
        return report if report.interrupted or not first else self._judged(report)

    def _note(self, record: Record | None, step: int, loss: float, norm: float, examples: dict[str, Tensor]) -> None:
        if record is None or step % self.chosen.show_every and step != self.chosen.steps:
            return
        record.figures(step, loss=loss, rate=float(self.optimizer.param_groups[0]["lr"]), gradient=norm)
        if record.writer is not None:
            record.weights(step, self.network)
            record.maps(step, self.maps(examples))

    def maps(self, examples: dict[str, Tensor]) -> list[Tensor]:
        """The attention weights of the first example: heads, queries, keys for each attention."""
        network = self.network
        one = {network.symbols[role]: x[:1] for role, x in examples.items()}
        function = network.module.function
        held = {n: v.detach() for n, v in network.module.held().items()}
        own = function.expression.symbols
        values = {x.name: {**held, **one}[x.name] for x in own}
        return [x[0] for x in attention_weights(function, values, network.module.stated)]

    def _judged(self, report: Report) -> Report:
        """The report with what held-out examples say."""
        held_out = self.data.held_out
        if not held_out:
            return report
        self.network.eval()
        examples = {k: x.to(self.here.device) for k, x in tensors(held_out, self.data, self.chosen).items()}
        with torch.no_grad():
            parts = [self.network(**{k: x[i : i + LONG] for k, x in examples.items()}) * len(held_out[i : i + LONG])
                     for i in range(0, len(held_out), LONG)]  # fmt: skip
        report = replace(report, held_out_loss=float(sum(parts)) / len(held_out))
        if not self.chosen.scores:
            return report
        said = self.said(examples)
        if said is None:
            return report
        right = sum(a == b for a, (_, b) in zip(said, held_out, strict=True)) / len(held_out)
        some = tuple((s, t, a) for (s, t), a in zip(held_out[:5], said[:5], strict=True))
        return replace(report, right=right, shown=some)

    def said(self, examples: dict[str, Tensor]) -> list[str] | None:
        """What the network says of examples: the target it writes, or the class; None where it does neither."""
        found: list[str] = []
        v, chosen = self.data.vocabulary, self.chosen
        score: Callable[[dict[str, Tensor]], Tensor] = lambda x: self.network.scores(**x)  # noqa: E731
        count = len(next(iter(examples.values())))
        for i in range(0, count, LONG):
            part = {k: x[i : i + LONG] for k, x in examples.items()}
            if "written" not in chosen.symbols:
                with torch.no_grad():
                    best = score({k: x for k, x in part.items() if k != "labels"}).argmax(-1)
                found += [self.data.labels[int(n)] for n in best]
            elif "source" in chosen.symbols:
                length = part["written"].shape[1]
                rows = beam(score, {"source": part["source"]}, v.begin, v.end, v.padding, length, chosen.beam)
                found += [v.text(row) for row in rows.tolist()]
            else:
                return None
        return found


@contextmanager
def _stopped(alone: bool) -> Iterator[Callable[[], bool]]:
    """Whether the user, or the system, has asked to stop since; the step in hand is finished first.

    Of several processes none goes on without the others, so that they end at once; their checkpoint stands.
    """
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM) if alone else ():
            before[number] = signal.signal(number, note)
    except ValueError:  # not the main thread
        pass
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
