"""The document as a network to be trained: its loss as a module, its scores with the same weights, and decoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from lemmata.model import Model
from lemmata.model.function import atoms
from lemmata.model.naming import resolve
from lemmata.training.setup import BadSetup, Setup

Scores = Callable[[dict[str, Tensor]], Tensor]


class Network(nn.Module):
    """The document's loss for a batch of examples, and what it predicts."""

    def __init__(self, model: Model, chosen: Setup, sizes: Mapping[str, int]) -> None:
        """Raises BadSetup where the document lacks what the settings name, CannotRun and ShapeMismatch otherwise."""
        super().__init__()
        symbols = [(x.name, x.latex) for x in model[chosen.loss].given(tuple(chosen.symbols.values())).expression.free]
        self.symbols: dict[str, str] = {}
        for role, name in chosen.symbols.items():
            found = resolve(name, symbols)
            if found is None:
                raise BadSetup(
                    f"symbols: {role}: {chosen.loss} does not depend on {name}; it depends on "
                    + ", ".join(n for n, _ in symbols)
                )
            self.symbols[role] = found
        inputs = tuple(self.symbols.values())
        self.module = model.module(chosen.loss, sizes, inputs=inputs, seed=chosen.seed)
        self.predicts = model[chosen.scores] if chosen.scores else None

    def forward(self, **examples: Tensor) -> Tensor:
        """The mean loss of a batch; examples by role, as `lemmata.training.data.tensors` gives them."""
        loss: Tensor = self.module(**{self.symbols[role]: x for role, x in examples.items()})
        return loss.mean()

    def scores(self, **examples: Tensor) -> Tensor:
        """What the document computes for its predictions: a row of scores for each token, or for each example."""
        assert self.predicts is not None
        expression = self.predicts.expression
        known = {x.name for x in expression.free}
        held = {n: v for n, v in self.module.held().items() if n in known}
        own = atoms(expression)
        sizes = {n: v for n, v in self.module.sizes.items() if n in own}
        given = {self.symbols[role]: x for role, x in examples.items() if self.symbols[role] in known}
        found = self.predicts(weights={**held, **given}, sizes=sizes)
        assert isinstance(found, Tensor)
        return found


@torch.no_grad()
def greedy(scores: Scores, examples: dict[str, Tensor], begin: int, end: int, padding: int, length: int) -> Tensor:
    """The likeliest token at each place, from left to right, until `end`."""
    return beam(scores, examples, begin, end, padding, length, 1)


@torch.no_grad()
def beam(
    scores: Scores, examples: dict[str, Tensor], begin: int, end: int, padding: int, length: int, width: int
) -> Tensor:
    """The best sequences of `length` tokens that a search finds which keeps `width` of them at each place.

    `scores` gives probabilities (batch, places, tokens) for the examples with `written`; a sequence that has ended
    stays as it is. Sequences are compared by the sum of the logarithms of their probabilities.
    """
    source = examples["source"]
    count = len(source)
    spread = {"source": source.repeat_interleave(width, 0)}
    rows = torch.full((count * width, length + 1), padding, dtype=torch.long, device=source.device)
    rows[:, 0] = begin
    ended = torch.zeros(count * width, dtype=torch.bool, device=source.device)
    # At first all rows of an example are one sequence.
    totals = torch.full((count, width), -torch.inf, device=source.device)
    totals[:, 0] = 0
    for place in range(length):
        chance = scores({**spread, "written": rows[:, :length]})[:, place].float().log()
        tokens = chance.shape[-1]
        chance = chance.masked_fill(ended[:, None], -torch.inf)
        chance[ended, 0] = 0  # what has ended is filled up, at no cost
        ranked = (totals[..., None] + chance.view(count, width, tokens)).view(count, -1)
        totals, best = ranked.topk(width, dim=1)
        origin = (best // tokens + torch.arange(count, device=source.device)[:, None] * width).flatten()
        token = (best % tokens).flatten() + padding
        rows, ended = rows[origin].clone(), ended[origin]
        rows[:, place + 1] = torch.where(ended, torch.full_like(token, padding), token)
        ended = ended | (token == end)
        if bool(ended.all()):
            break
    found = rows.view(count, width, -1)[torch.arange(count), totals.argmax(1)]
    return found[:, 1:]
