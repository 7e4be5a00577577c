"""A thin training loop: Adam on a module, a progress bar, the losses along the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Progress:
    """How training went: the loss of every step, in order."""

    losses: tuple[float, ...]
    seconds: float

    def mean(self, part: slice) -> float:
        chosen = self.losses[part]
        return sum(chosen) / len(chosen)


def train(
    module: nn.Module,
    batches: Callable[[], Batch],
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    seconds: float,
    rate: float = 3e-3,
    show: bool = True,
) -> Progress:
    """Train until the time is up (Kingma and Ba 2015, with a rate that falls linearly with the time left)."""
    optimiser = torch.optim.Adam(module.parameters(), lr=rate)
    losses: list[float] = []
    start = time.monotonic()
    with _bar(show) as advance:
        while (elapsed := time.monotonic() - start) < seconds:
            for group in optimiser.param_groups:
                group["lr"] = rate * max(0.05, 1 - elapsed / seconds)
            inputs, targets = batches()
            value = loss(module(inputs), targets)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            losses.append(value.item())
            advance(min(1.0, elapsed / seconds), len(losses), sum(losses[-50:]) / len(losses[-50:]))
    return Progress(tuple(losses), time.monotonic() - start)


class _bar:
    """A progress bar with the running loss; plain lines where the output is no terminal."""

    def __init__(self, show: bool) -> None:
        self.show = show
        self.last = -1

    def __enter__(self) -> Callable[[float, int, float], None]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console()
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("step {task.fields[step]}  loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(),
            console=console,
            disable=not (self.show and console.is_terminal),
        )
        self.bar.start()
        self.task = self.bar.add_task("training", total=1.0, step=0, loss=float("nan"))
        self.plain = self.show and not console.is_terminal
        return self._advance

    def _advance(self, part: float, step: int, loss: float) -> None:
        self.bar.update(self.task, completed=part, step=step, loss=loss)
        if self.plain and int(part * 10) > self.last:
            self.last = int(part * 10)
            print(f"  {self.last * 10:3d} %   step {step:5d}   loss {loss:.3f}", flush=True)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
