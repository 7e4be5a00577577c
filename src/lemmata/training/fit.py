"""A loop without settings, for modules of one's own: batches made on the spot, a loss, Adam, a bar, a seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]


class Report(Struct, frozen=True):
    """The mean loss of the first and of the last tenth of the steps (of each, at least one)."""

    steps: int
    first: float
    last: float


def train(
    module: nn.Module,
    batches: Callable[[torch.Generator], Batch],
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    seconds: float | None = None,
    steps: int | None = None,
    rate: float = 1e-3,
    seed: int = 0,
    console: Console | None = None,
) -> Report:
    """Minimise loss(module(x), y) over batches (x, y) with Adam, for some seconds or steps, whichever ends first.

    `batches` draws one batch from a generator. Shows a bar on a terminal, a line every tenth of the way otherwise.
    Raises ValueError where neither an end is given nor a step could be taken, FloatingPointError for a loss that is not
    finite.
    """
    if seconds is None and steps is None:
        raise ValueError("give the seconds or the steps that training may take")
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    console = console or Console()
    losses: list[float] = []
    module.train()
    for done in _shown(console, seconds, steps, losses):
        x, y = batches(generator)
        optimizer.zero_grad()
        value = loss(module(x), y)
        if not torch.isfinite(value):
            raise FloatingPointError(f"the loss is {value.item()} after {len(losses)} steps ({done:.0%} of training)")
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    module.eval()
    if not losses:
        raise ValueError("no time for a single step")
    tenth = max(1, len(losses) // 10)
    return Report(len(losses), sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth)


def _shown(console: Console, seconds: float | None, steps: int | None, losses: list[float]) -> Iterator[float]:
    """The share of the training that is done, before each step, with the loss shown on the way."""
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.percentage:3.0f} %  step {task.fields[step]}"),
               TextColumn("loss {task.fields[loss]}"), TimeElapsedColumn())  # fmt: skip
    start, said = time.monotonic(), 0
    with Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=4) as progress:
        task = progress.add_task("", total=1.0, step=0, loss="…")
        while (done := _share(start, seconds, steps, len(losses))) < 1:
            yield done
            recent = losses[-20:]
            mean = sum(recent) / max(1, len(recent))
            progress.update(task, completed=done, step=len(losses), loss=f"{mean:.4f}")
            if not console.is_terminal and (int(done * 10) >= said or len(losses) == 1):
                said = int(done * 10) + 1
                console.print(f"{done:4.0%}  step {len(losses):6d}  loss {mean:.4f}")
        progress.update(task, completed=1.0)


def _share(start: float, seconds: float | None, steps: int | None, taken: int) -> float:
    shares = [taken / steps if steps else 1.0] if steps is not None else []
    if seconds is not None:
        shares.append((time.monotonic() - start) / seconds if seconds > 0 else 1.0)
    return max(shares)
