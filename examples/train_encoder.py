"""Trains the encoder of transformer-encoder.md, as the document's own equations, on a small task made on the spot.

    python examples/train_encoder.py [--seconds 60] [--seed 0]

Every token of a random sequence is to be labelled with how often it occurs in the sequence, which no token can know
without attending to the others. Exit status 0 if the loss fell to less than half of what it was at the start.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

import lemmata
from lemmata.model.train import train

DOCUMENT = Path(__file__).resolve().parent / "transformer-encoder.md"
VOCABULARY, LENGTH, BATCH = 8, 16, 64
SIZES = {"d_model": 32, "h": 4, "d_k": 8, "d_ff": 64}


class Counter(nn.Module):
    """Embedding, the document's Encoder, a linear read-out of the count of each token."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, SIZES["d_model"])
        self.encoder = lemmata.load(DOCUMENT).module("Encoder", SIZES, seed=seed)
        self.readout = nn.Linear(SIZES["d_model"], LENGTH + 1)

    def forward(self, tokens: Tensor) -> Tensor:
        scores: Tensor = self.readout(self.encoder(self.embedding(tokens)))
        return scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    model = Counter(args.seed)
    print(model.encoder)
    print(f"{sum(p.numel() for p in model.encoder.parameters())} weights: {', '.join(dict(model.encoder.named_parameters()))}\n")

    def batches() -> tuple[Tensor, Tensor]:
        tokens = torch.randint(VOCABULARY, (BATCH, LENGTH))
        counts = (tokens[:, :, None] == tokens[:, None, :]).sum(-1)
        return tokens, counts

    def loss(scores: Tensor, counts: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores.flatten(0, 1), counts.flatten())

    progress = train(model, batches, loss, seconds=args.seconds)
    with torch.no_grad():
        tokens, counts = batches()
        right = (model(tokens).argmax(-1) == counts).float().mean().item()
    first, last = progress.mean(slice(0, 20)), progress.mean(slice(-20, None))
    print(f"loss {first:.3f} -> {last:.3f} in {len(progress.losses)} steps; {right:.0%} of the tokens counted right")
    return 0 if last < first / 2 else 1


if __name__ == "__main__":
    sys.exit(main())
