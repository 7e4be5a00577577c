"""Sizes of outputs of windows that slide, and what a dilated window spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from lemmata.counting import words
from lemmata.counting.passage import Passage, Unclear, dimensions, key
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell

ROLES = ("signal", "kernel", "padding", "stride", "dilation")
MEASURES = ((31, 5, 2, 3, 2), (47, 3, 1, 2, 3), (64, 7, 3, 5, 2), (40, 4, 0, 4, 1))


class Window(Struct, frozen=True):
    """A window that slides over a signal: the letters of its sizes, by what they are."""

    letters: Mapping[str, str]
    span: bool
    """Whether what it covers is asked for, not the number of its positions."""
    whole: bool
    """Whether the text says that the stride goes into the way."""

    @property
    def stepped(self) -> bool:
        return "stride" in self.letters and not self.span

    def names(self) -> list[str]:
        return list(self.letters.values())

    def draws(self, whole: bool) -> Iterator[dict[str, int]]:
        """Sizes to try; with `whole` only those for which the stride goes into the way."""
        for row in MEASURES:
            sizes = dict(zip(ROLES, row, strict=True))
            if whole and self.stepped:
                given = {k: v if k in self.letters else DEFAULT[k] for k, v in sizes.items()}
                sizes["signal"] += -_way(given) % given["stride"]
            yield {letter: sizes[role] for role, letter in self.letters.items()}

    def size(self, values: Mapping[str, int]) -> int:
        """The number of positions, or the span."""
        sizes = {role: values[self.letters[role]] if role in self.letters else DEFAULT.get(role, 0) for role in ROLES}
        if self.span:
            return sizes["dilation"] * (sizes["kernel"] - 1) + 1
        return _way(sizes) // sizes["stride"] + 1


DEFAULT = {"signal": 0, "kernel": 1, "padding": 0, "stride": 1, "dilation": 1}


def _way(sizes: Mapping[str, int]) -> int:
    """How far the window can move."""
    return sizes["signal"] + 2 * sizes["padding"] - sizes["dilation"] * (sizes["kernel"] - 1) - 1


def described(passage: Passage) -> Window | None:
    """The window of the sentence, if the claim is about its output or span. Raises Unclear."""
    span = words.says("unit_span_before", passage.before)
    if not span and not words.says("unit_output_before", passage.before):
        return None
    found: dict[str, str] = {}
    text = " ".join((passage.sentence.text, *(x.text for x in passage.earlier)))
    for role in ("kernel", "dilation") if span else ROLES:
        expr = passage.sizes(f"size_{role}")
        if expr is not None:
            found[role] = _letter(expr)
        elif role in ("signal", "kernel") or words.says(f"mention_{role}", words.without(text, f"none_{role}")):
            raise Unclear(f"the {role} is not given")
    if not span and not {"padding", "stride"} & set(found) or words.says("unit_total", passage.sentence.text):
        raise Unclear("whether the window stays inside is not said")
    if span and "dilation" not in found or len(set(found.values())) != len(found):
        raise Unclear("a size is missing")
    whole = False
    for match in words.find("divides", passage.sentence.text):
        passage.used.update(match.formulas)
        divisor = next(f for f in match.formulas if f != match.chosen)
        whole = spell(passage.expression(divisor)) == found.get("stride")
    return Window(found, span, whole)


def _letter(expr: s.Expr) -> str:
    parts = dimensions(expr)
    if not all(isinstance(p, s.Name) and spell(p) == spell(parts[0]) for p in parts):
        raise Unclear("a size that is no letter")
    assert isinstance(parts[0], s.Name)
    return key(parts[0])
