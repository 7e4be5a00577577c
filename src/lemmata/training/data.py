"""Examples as tensors of tokens: reading, vocabulary, padding, and an order that the seed and the step alone decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from msgspec import Struct
from torch import Tensor

from lemmata.training.setup import BadSetup, Setup
from lemmata.training.tasks import TASKS, examples

ROUND = 8
"""Lengths are rounded up to a multiple of this, so that few shapes occur."""
HELD_OUT = 1000


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by number; the first three fill up, begin and end."""

    tokens: tuple[str, ...]
    padding: int
    words: bool

    @staticmethod
    def of(texts: Iterable[str], padding: int, words: bool) -> Vocabulary:
        return Vocabulary(tuple(sorted({x for text in texts for x in split(text, words)})), padding, words)

    @property
    def begin(self) -> int:
        return self.padding + 1

    @property
    def end(self) -> int:
        return self.padding + 2

    def __len__(self) -> int:
        return len(self.tokens) + 3

    def numbers(self, text: str) -> list[int]:
        """Tokens by number; unknown ones are left out."""
        index = self._index()
        return [index[x] for x in split(text, self.words) if x in index]

    def _index(self) -> dict[str, int]:
        cached = self.__dict__.get("_numbers")
        if cached is None:
            cached = {x: n + self.padding + 3 for n, x in enumerate(self.tokens)}
            object.__setattr__(self, "_numbers", cached)
        return cached

    def text(self, numbers: Iterable[int]) -> str:
        """Up to the token that ends."""
        found = []
        for n in numbers:
            if n == self.end:
                break
            if n > self.end:
                found.append(self.tokens[n - self.padding - 3])
        return (" " if self.words else "").join(found)


def split(text: str, words: bool) -> Sequence[str]:
    return text.split() if words else text


class Data(Struct, frozen=True):
    """Training and held-out examples: (source, target), either of them empty where the document has no such symbol."""

    train: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    vocabulary: Vocabulary
    labels: tuple[str, ...] = ()
    """The classes, where targets are classes."""


def load(chosen: Setup) -> Data:
    """The examples that the settings name. Raises BadSetup, OSError."""
    if not chosen.data:
        raise BadSetup(f"say what to train on: a file of examples, or one of {', '.join(TASKS)}")
    pairs = examples(chosen.data, chosen.seed) if chosen.data in TASKS else _read(Path(chosen.data), chosen)
    held = min(HELD_OUT, int(len(pairs) * chosen.held_out))
    generator = torch.Generator().manual_seed(chosen.seed)
    order = torch.randperm(len(pairs), generator=generator).tolist()
    held_out, train = [pairs[i] for i in order[:held]], [pairs[i] for i in order[held:]]
    words = chosen.tokens == "words"
    classified = "written" not in chosen.symbols
    texts = [text for pair in train for text in (pair[:1] if classified else pair)]
    labels = tuple(sorted({target for _, target in pairs})) if classified else ()
    return Data(train, held_out, Vocabulary.of(texts, chosen.padding, words), labels)


def _read(path: Path, chosen: Setup) -> list[tuple[str, str]]:
    if not path.exists():
        raise BadSetup(f"{path}: no such file, and no such task; tasks are {', '.join(TASKS)}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSetup(f"{path}: is not UTF-8 text: {error.reason} at byte {error.start}") from None
    one_column = "source" not in chosen.symbols
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split("\t")
        if one_column:
            pairs.append(("", line))
        elif len(parts) == 2:
            pairs.append((parts[0], parts[1]))
        else:
            raise BadSetup(f"{path}:{number}: expected two columns split by a tab, found {len(parts)}")
    if len(pairs) < 2:
        raise BadSetup(f"{path}: {len(pairs)} examples are too few")
    return pairs


def tensors(pairs: Sequence[tuple[str, str]], data: Data, chosen: Setup) -> dict[str, Tensor]:
    """Examples by role, padded to one length a role."""
    v = data.vocabulary
    found: dict[str, Tensor] = {}
    if "source" in chosen.symbols:
        found["source"] = padded([v.numbers(source) for source, _ in pairs], v.padding)
    if "written" in chosen.symbols:
        targets = [v.numbers(target) for _, target in pairs]
        found["written"] = padded([[v.begin, *x] for x in targets], v.padding)
        found["labels"] = padded([[*x, v.end] for x in targets], v.padding)
    else:
        found["labels"] = torch.tensor([data.labels.index(target) + chosen.padding for _, target in pairs])
    return found


def padded(rows: Sequence[Sequence[int]], padding: int) -> Tensor:
    """Rows of numbers as a matrix, short ones filled up."""
    longest = max(1, *map(len, rows))
    width = -(-longest // ROUND) * ROUND
    return torch.tensor([[*row, *[padding] * (width - len(row))] for row in rows])


def chosen_at(step: int, count: int, batch: int, seed: int) -> list[int]:
    """The examples of a step: every epoch in another order, which seed and epoch decide.

    A step needs to know nothing of the steps before it, so that a resumed run sees what an uninterrupted one does.
    """
    found: list[int] = []
    at = step * batch
    while len(found) < batch:
        epoch, start = divmod(at + len(found), count)
        found += _order(epoch, count, seed)[start : start + batch - len(found)]
    return found


@lru_cache(maxsize=2)
def _order(epoch: int, count: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator).tolist()
