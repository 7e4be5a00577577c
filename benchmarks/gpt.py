"""A GPT trained from its equations beside one written by hand: tokens per second in the same run.

    python benchmarks/gpt.py [--runs 20] [--threads 2] [--width 256] [--layers 4] [--device cuda --bf16 --compile]

`examples/gpt-decoder.md` as a module against a module as an engineer would write it: one linear layer for queries, keys
and values, PyTorch's fused causal attention, LayerNorm, GELU, cross-entropy, tied embeddings. Both start from the same
weights and see the same text; a step is forward, backward and AdamW. They run in turns. `ratio` is tokens per second of
the equations over those of the hand-written module (the median over neighbouring steps), `loss_difference` the largest
difference of their losses over all steps. With `--compile` both go through `torch.compile`. The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import lemmata

DOCUMENT = Path(__file__).resolve().parent.parent / "examples" / "gpt-decoder.md"


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.back = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.projections(self.first(x)).split(width, -1)
        q, k, v = (y.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for y in parts)
        heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.back(heads.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(functional.gelu(self.wide(self.second(x))))


class ByHand(nn.Module):
    def __init__(self, vocabulary: int, length: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, following: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        scores = functional.linear(self.norm(x), self.tokens.weight)
        return functional.cross_entropy(scores.flatten(0, 1), following.flatten())

    @torch.no_grad()
    def take(self, weights: dict[str, Tensor]) -> None:
        """The document's weights; its biases and shifts begin at zero, its gains at one."""
        width = self.norm.normalized_shape[0]
        self.tokens.weight.copy_(weights["E"])
        self.positions.weight.copy_(weights["P"])
        for layer, block in enumerate(self.blocks):
            beside = [weights[f"W^{c}"][layer].permute(1, 0, 2).reshape(width, width).T for c in "QKV"]
            block.projections.weight.copy_(torch.cat(beside))
            for linear, name in ((block.back, "W^O"), (block.wide, "W^in"), (block.narrow, "W^out")):
                linear.weight.copy_(weights[name][layer].T)
            for linear in (block.projections, block.back, block.wide, block.narrow):
                linear.bias.zero_()


class Side:
    """A module with its optimiser."""

    def __init__(self, module: nn.Module, args: argparse.Namespace) -> None:
        self.run: Any = torch.compile(module) if args.compile else module
        self.optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
        self.device = args.device
        self.bf16 = args.bf16

    def step(self, tokens: Tensor, following: Tensor) -> tuple[float, float]:
        """Seconds and loss of one step."""
        start = time.perf_counter()
        self.optimiser.zero_grad()
        with torch.autocast(self.device, torch.bfloat16) if self.bf16 else nullcontext():
            loss = self.run(tokens, following).mean()
        loss.backward()
        self.optimiser.step()
        value = loss.item()
        return time.perf_counter() - start, value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="pairs of steps that are timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--vocabulary", type=int, default=2000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="run under autocast to bfloat16")
    parser.add_argument("--compile", action="store_true", help="run both through torch.compile")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    width, heads = args.width, args.heads
    sizes = {"V": args.vocabulary, "N": args.length, "d": width, "h": heads, "d_k": width // heads, "L": args.layers,
             "d_f": 4 * width}  # fmt: skip
    start = time.perf_counter()
    equations = lemmata.load(DOCUMENT).module(r"\ell", sizes)
    loaded = time.perf_counter() - start
    by_hand = ByHand(args.vocabulary, args.length, width, heads, args.layers)
    by_hand.take(dict(equations.named_parameters()))
    count = sum(p.numel() for p in equations.parameters())
    sides = {n: Side(m.to(args.device), args) for n, m in (("equations", equations), ("by hand", by_hand))}
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(args.vocabulary, (args.batch, args.length + 1), generator=generator).to(args.device)
    tokens, following = text[:, :-1].contiguous(), text[:, 1:].contiguous()
    first = {n: side.step(tokens, following)[0] for n, side in sides.items()}
    for side in sides.values():
        side.step(tokens, following)
    ratios, times, apart = [], {n: [] for n in sides}, 0.0
    for number in range(args.runs):
        order = list(sides) if number % 2 else list(sides)[::-1]
        found = {n: sides[n].step(tokens, following) for n in order}
        for name, (seconds, _) in found.items():
            times[name].append(seconds)
        ratios.append(found["by hand"][0] / found["equations"][0])
        apart = max(apart, abs(found["by hand"][1] - found["equations"][1]))
    speed = {n: args.batch * args.length / median(x) for n, x in times.items()}
    device = torch.cuda.get_device_name() if args.device == "cuda" else f"{args.threads} threads"
    print(f"{count:,} weights, {args.batch} × {args.length} tokens a step, {device}")
    print(f"read and made in {loaded:.1f} s; first step {first['equations']:.1f} s, by hand {first['by hand']:.1f} s")
    for name, tokens_per_second in speed.items():
        print(f"  {name:10s} {tokens_per_second:10,.0f} tokens per second")
    figures = {
        "weights": count,
        "device": device,
        "bf16": args.bf16,
        "compiled": args.compile,
        "equations_tokens_per_s": round(speed["equations"]),
        "by_hand_tokens_per_s": round(speed["by hand"]),
        "ratio": round(median(ratios), 3),
        "loss_difference": float(f"{apart:.3g}"),
        "runs": args.runs,
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
