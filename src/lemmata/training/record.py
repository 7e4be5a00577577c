"""What a run leaves behind beside its weights: figures step by step, TensorBoard, a bar on the terminal."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

FIGURES = "figures.jsonl"
MAPS = 6
"""Attentions drawn at a time."""


class Record:
    """Figures as JSON lines; TensorBoard's scalars, histograms and heat maps where it is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        """Goes on after `step` steps; what an interrupted run wrote beyond them is dropped."""
        self.path = folder / FIGURES
        kept = []
        if step and self.path.exists():
            lines = self.path.read_text(encoding="utf-8").splitlines()
            kept = [x for x in map(_figures, lines) if x is not None and x["step"] <= step]
        scratch = self.path.with_suffix(f".{os.getpid()}")
        scratch.write_text("".join(json.dumps(x) + "\n" for x in kept), encoding="utf-8")
        os.replace(scratch, self.path)
        self.writer = _writer(folder / "tensorboard", step)

    def figures(self, step: int, **values: float) -> None:
        """Figures of a step; what is no finite number, as a gradient whose scale was too large, is left out."""
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)

    def weights(self, step: int, network: nn.Module) -> None:
        if self.writer is not None:
            for name, value in network.named_parameters():
                for kind, numbers in (("weights", value), ("gradients", value.grad)):
                    if numbers is not None and bool(numbers.isfinite().all()):
                        self.writer.add_histogram(f"{kind}/{name}", numbers.detach().float().cpu(), step)

    def maps(self, step: int, found: list[Tensor]) -> None:
        """Heat maps of attention (heads, queries, keys), heads side by side."""
        if self.writer is None:
            return
        for number, weights in enumerate(found[:MAPS], 1):
            self.writer.add_image(f"attention/{number}", heat_map(weights), step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def _figures(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None  # a run that was killed while it wrote
    return found if isinstance(found, dict) and isinstance(found.get("step"), int) else None


def _writer(folder: Path, step: int) -> Any:
    # Where this module is found, TensorBoard does without TensorFlow, which it would load for nothing but file access.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step or None)


def heat_map(weights: Tensor, pixels: int = 12) -> Tensor:
    """An RGB picture (3, height, width) of matrices side by side, from white at 0 to dark blue at 1."""
    panels = weights.detach().float().cpu().clamp(0, 1).reshape(-1, *weights.shape[-2:])
    gap = torch.full((panels.shape[1], 1), torch.nan)
    row = torch.cat([x for panel in panels for x in (panel, gap)][:-1], 1)
    row = row.repeat_interleave(pixels, 0).repeat_interleave(pixels, 1)
    dark = torch.tensor([8.0, 48.0, 107.0]) / 255
    picture = 1 - row * (1 - dark[:, None, None])
    return torch.where(row.isnan(), torch.tensor(0.6), picture)


@contextmanager
def shown(console: Console, steps: int, start: int) -> Iterator[Any]:
    """A function of (step, loss) that shows how far training is: a bar on a terminal, a line now and then otherwise."""
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TextColumn("loss {task.fields[loss]}"), TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    began, said = time.monotonic(), time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=4) as progress:
        task = progress.add_task("", total=steps, completed=start, loss="…")

        def show(step: int, loss: float) -> None:
            nonlocal said
            progress.update(task, completed=step, loss=f"{loss:.4f}")
            now = time.monotonic()
            if not console.is_terminal and (now - said > 10 or step == steps):
                said = now
                console.print(f"step {step:6d}/{steps}  loss {loss:.4f}  {now - began:5.0f} s", highlight=False)

        yield show
