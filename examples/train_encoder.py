"""Train the encoder of transformer-encoder.md from its equations.

    python examples/train_encoder.py [--seconds 60] [--seed 0]

The task: read a row of random digits and write it down sorted. A layer that looks at one token at a time cannot do
that, and neither can attention that does not know where a token stands. Two encoder layers and the positions come from
the document; only the embedding of the digits and the last linear map are added here. Exit status 0 if the loss falls.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

import lemmata
from lemmata.model import Model
from lemmata.training.fit import train

DOCUMENT = Path(__file__).resolve().parent / "transformer-encoder.md"
DIGITS, LENGTH, BATCH = 10, 16, 64
SIZES = {"d_model": 32, "h": 4, "d_ff": 64}


class Sorter(nn.Module):
    """Digits to scores of digits: embedding, positions, two layers of the document, a linear map."""

    def __init__(self, model: Model, seed: int) -> None:
        super().__init__()
        width = SIZES["d_model"]
        self.embedding = nn.Embedding(DIGITS, width)
        self.layers = nn.Sequential(*(model.module("Encoder", SIZES, seed=seed + n) for n in range(2)))
        self.scores = nn.Linear(width, DIGITS)
        positions = model.PE(torch.arange(LENGTH)[:, None], torch.arange(width), d_model=width)
        self.register_buffer("positions", positions.float())

    def forward(self, digits: Tensor) -> Tensor:
        return self.scores(self.layers(self.embedding(digits) + self.positions))


def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    digits = torch.randint(DIGITS, (BATCH, LENGTH), generator=generator)
    return digits, digits.sort(1).values


def loss(scores: Tensor, digits: Tensor) -> Tensor:
    return functional.cross_entropy(scores.flatten(0, 1), digits.flatten())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="time for training")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(args.seed)

    model = lemmata.load(DOCUMENT)
    network = Sorter(model, args.seed)
    print(f"{model.Encoder!r}: {', '.join(f'{n} ({s})' for n, s in model.Encoder.weights.items())}\n")
    report = train(network, batch, loss, seconds=args.seconds, rate=2e-3, seed=args.seed)

    digits, wanted = batch(torch.Generator().manual_seed(args.seed + 1))
    with torch.no_grad():
        right = (network(digits).argmax(-1) == wanted).float().mean().item()
    print(f"\nloss {report.first:.3f} -> {report.last:.3f} in {report.steps} steps")
    print(f"{right:.0%} of fresh digits in their place")
    shown = network(digits[:1]).argmax(-1)[0].tolist()
    print(f"{' '.join(map(str, digits[0].tolist()))}  sorted is  {' '.join(map(str, shown))}")
    return 0 if report.last < 0.8 * report.first else 1


if __name__ == "__main__":
    sys.exit(main())
