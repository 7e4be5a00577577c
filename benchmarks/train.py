"""Training from the document against a module written by hand: tokens a second in one run, and the quality reached.

    python benchmarks/train.py [--rounds 20] [--steps 1500] [--threads 2] [--width 64] [--batch 64]

The Transformer of examples/transformer.md and the same network as an engineer writes it take turns on the same batches:
forward and backward, then with the step of the optimiser (the document's own Adam against torch.optim.Adam). Then the
document is trained on its task, and the share of held-out examples that it reproduces exactly is told. The last line is
JSON. `--steps 0` leaves the quality out.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

import lemmata
from lemmata.training.data import load
from lemmata.training.loop import Trainer, run
from lemmata.training.processes import Process
from lemmata.training.setup import Setup, setup

DOCUMENT = Path(__file__).resolve().parent.parent / "examples" / "transformer.md"
SMOOTHING = 0.1


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, y: Tensor, z: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        q, k, v = (self.split(f(x)) for f, x in ((self.query, y), (self.key, z), (self.value, z)))
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.out(found.transpose(1, 2).reshape(y.shape))

    def split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class ByHand(nn.Module):
    """The network of the document with PyTorch's layers."""

    def __init__(self, chosen: Setup, tokens: int) -> None:
        super().__init__()
        d, h, f, self.layers = (chosen.sizes[n] for n in ("d", "h", "d_f", "N"))
        self.width = d
        self.table = nn.Embedding(tokens, d)
        self.attentions = nn.ModuleList(Attention(d, h) for _ in range(3 * self.layers))
        self.ffns = nn.ModuleList(
            nn.Sequential(nn.Linear(d, f), nn.ReLU(), nn.Linear(f, d)) for _ in range(2 * self.layers)
        )
        place = torch.arange(1, 513)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
        self.register_buffer("places", torch.stack([place.sin(), place.cos()], -1).flatten(1))

    def embedded(self, tokens: Tensor) -> Tensor:
        return math.sqrt(self.width) * self.table(tokens - 1) + self.places[: tokens.shape[1]]

    def norm(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (self.width,))

    def forward(self, source: Tensor, written: Tensor, labels: Tensor) -> Tensor:
        seen = (source != 1)[:, None, None, :]
        x, y = self.embedded(source), self.embedded(written)
        for n in range(self.layers):
            x = self.norm(x + self.attentions[n](x, x, seen))
            x = self.norm(x + self.ffns[n](x))
        for n in range(self.layers):
            y = self.norm(y + self.attentions[self.layers + n](y, y, causal=True))
            y = self.norm(y + self.attentions[2 * self.layers + n](y, x, seen))
            y = self.norm(y + self.ffns[self.layers + n](y))
        scores = y @ self.table.weight.T
        each = functional.cross_entropy(
            scores.flatten(0, 1), labels.flatten() - 1, reduction="none", label_smoothing=SMOOTHING
        ).view(labels.shape)
        filled = labels != 1
        return ((each * filled).sum(1) / filled.sum(1)).mean()

    @torch.no_grad()
    def take(self, held: dict[str, Tensor]) -> None:
        """The document's weights."""
        self.table.weight.copy_(held["E"])
        for a, attention in enumerate(self.attentions):
            for name, layer in (("W^Q", attention.query), ("W^K", attention.key), ("W^V", attention.value)):
                layer.weight.copy_(held[name][a].permute(0, 2, 1).flatten(0, 1))
            attention.out.weight.copy_(held["W^O"][a].T)
        for b, ffn in enumerate(self.ffns):
            ffn[0].weight.copy_(held["U"][b].T)
            ffn[0].bias.copy_(held["u"][b])
            ffn[2].weight.copy_(held["S"][b].T)
            ffn[2].bias.copy_(held["s"][b])


def ratios(
    sides: Sequence[Callable[[dict[str, Tensor]], None]], batches: list[dict[str, Tensor]], rounds: int
) -> tuple[list[float], list[float]]:
    """Time of the first side over that of the second, round by round in turns, and the first side's times."""
    for side in sides:
        for batch in batches:
            side(batch)
    found, times = [], []
    for number in range(rounds):
        spent = [0.0, 0.0]
        for batch in batches:
            for at in (0, 1) if number % 2 else (1, 0):
                began = time.perf_counter()
                sides[at](batch)
                spent[at] += time.perf_counter() - began
        found.append(spent[0] / spent[1])
        times.append(spent[0])
    return found, times


def interval(values: list[float]) -> tuple[float, float, float]:
    """The median, and the ends of its 95 % bootstrap interval."""
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(2000))
    return statistics.median(values), medians[50], medians[1949]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1500, help="of the training that the quality is told of")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    model = lemmata.load(DOCUMENT)
    sizes = {"d": args.width, "h": args.width // 16, "d_f": 4 * args.width, "N": 2}
    chosen = setup(model, {"sizes": sizes, "batch": args.batch})
    data = load(chosen)
    trainer = Trainer(model, chosen, data, Process(0, 1, torch.device("cpu")))
    hand = ByHand(chosen, len(data.vocabulary))
    hand.take(trainer.network.module.held())
    adam = torch.optim.Adam(hand.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-9)
    batches = [trainer.batch(n) for n in range(4)]
    tokens = sum(int((x != chosen.padding).sum()) for b in batches for x in b.values())

    apart = max((trainer.network(**b) - hand(**b)).abs().item() for b in batches)
    print(f"{sum(p.numel() for p in hand.parameters()):,} weights; the losses differ by {apart:.1e}")
    assert apart < 1e-4, "the two are not the same network"

    def alone(network: nn.Module) -> Callable[[dict[str, Tensor]], None]:
        def go(batch: dict[str, Tensor]) -> None:
            network.zero_grad(set_to_none=True)
            network(**batch).backward()

        return go

    def stepping(network: nn.Module, optimizer: torch.optim.Optimizer) -> Callable[[dict[str, Tensor]], None]:
        def go(batch: dict[str, Tensor]) -> None:
            optimizer.zero_grad(set_to_none=True)
            network(**batch).backward()
            optimizer.step()

        return go

    figures: dict[str, object] = {"threads": args.threads, **sizes, "batch": args.batch, "losses_apart": apart}
    pairs = {
        "forward and backward": (alone(trainer.network), alone(hand)),
        "whole step": (stepping(trainer.network, trainer.optimizer), stepping(hand, adam)),
    }
    for name, sides in pairs.items():
        found, times = ratios(sides, batches, args.rounds)
        middle, low, high = interval(found)
        speed = tokens / statistics.median(times)
        print(f"{name}: {speed:,.0f} tokens a second; time by hand × {middle:.3f} [{low:.3f}, {high:.3f}]")
        key = name.replace(" ", "_")
        figures[key] = {"tokens_per_second": round(speed), "time_ratio": middle, "interval": [low, high]}

    if args.steps:
        with tempfile.TemporaryDirectory() as folder:
            report = run(model, setup(model, {"steps": args.steps}), Path(folder), device="cpu", data=None)
        print(f"{report.steps} steps in {report.seconds:.0f} s: held-out loss {report.held_out_loss:.4f}, "
              f"{report.right:.1%} exactly right")  # fmt: skip
        figures["quality"] = {"task": chosen.data, "steps": report.steps, "seconds": round(report.seconds, 1),
                              "held_out_loss": report.held_out_loss, "exact": report.right}  # fmt: skip
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
