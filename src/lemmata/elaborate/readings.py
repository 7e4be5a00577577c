"""Decisions that notation leaves open, by key, so that a scope decides each once and alternatives can be tried."""

from __future__ import annotations

from msgspec import Struct, field


class Choices(Struct):
    """The decisions of one reading: option numbers by key; what was asked is recorded with its number of options."""

    taken: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def pick(self, key: str, options: int, labels: tuple[str, ...] = ()) -> int:
        """The option to take: the conventional one, 0, unless this reading says otherwise."""
        self.asked[key] = max(options, self.asked.get(key, 0))
        if labels:
            self.labels[key] = labels
        return min(self.taken.get(key, 0), options - 1)

    def describe(self) -> str:
        """The unconventional decisions in words."""
        said = []
        for key, option in self.taken.items():
            if option and key in self.asked:
                labels = self.labels.get(key, ())
                said.append(labels[option] if option < len(labels) else f"{key.split('@')[0]} read the other way")
        return "; ".join(said)


def alternatives(asked: dict[str, int], cap: int) -> tuple[list[dict[str, int]], bool]:
    """Other readings than the conventional one: single deviations first, then pairs, up to the cap.

    The flag says whether all combinations are covered.
    """
    keys = [k for k, n in asked.items() if n > 1]
    singles: list[dict[str, int]] = [{k: o} for k in keys for o in range(1, asked[k])]
    pairs = [
        {a: x, b: y}
        for i, a in enumerate(keys)
        for b in keys[i + 1 :]
        for x in range(1, asked[a])
        for y in range(1, asked[b])
    ]
    found = (singles + pairs)[:cap]
    complete = len(keys) <= 2 and len(singles) + len(pairs) <= cap
    return found, complete
