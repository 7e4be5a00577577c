"""What the prose says of counts, found with the patterns of the language files (table `counting`).

Lists of the table: `layer_…` nouns of layers; `size_…` a formula as a size of a layer; `unit_…_before`, `unit_…_after`
what the words next to a formula say it counts; `bias_…`, `norms_…` what belongs to the count; `evaluating`,
`continuing`, `product_of_shapes` products that are formed; `substitution` the product that takes the place of a matrix;
`divides` what makes a quotient whole; `plain` words that change no count; `obstacles`
words that may change a count, unless `harmless`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from lemmata.elaborate.prose_lexicon import lexicon

FORMULA = re.compile(r"⟦(\d+)⟧")


class Found(Struct, frozen=True):
    """One match: its place in the text and the formulas in it, the one in the group G last."""

    start: int
    end: int
    formulas: tuple[int, ...]
    chosen: int | None
    """The formula that the pattern points at."""


def find(kind: str, text: str) -> list[Found]:
    """All places where a pattern of the list matches."""
    out: list[Found] = []
    for relation in lexicon().counting.get(kind, ()):
        for m in relation.pattern.finditer(text):
            inside = tuple(int(k) for k in FORMULA.findall(m.group()))
            pointed = m.groupdict().get("G")
            chosen = int(pointed[1:-1]) if pointed else inside[0] if inside else None
            out.append(Found(m.start(), m.end(), inside, chosen))
    return sorted(out, key=lambda f: (f.start, -f.end))


def says(kind: str, text: str) -> bool:
    return any(relation.pattern.search(text) for relation in lexicon().counting.get(kind, ()))


def without(text: str, *kinds: str) -> str:
    """The text with what these lists match blanked out."""
    for kind in kinds:
        for found in find(kind, text):
            text = (
                text[: found.start]
                + FORMULA.sub(" ", text[found.start : found.end])
                .replace("\n", " ")
                .translate(BLANK)
                .ljust(found.end - found.start)[: found.end - found.start]
                + text[found.end :]
            )
    return text


class _Blank(dict[int, str]):
    def __missing__(self, key: int) -> str:
        return " "


BLANK = _Blank()


def layers(text: str) -> list[str]:
    """Kinds of layers that the text names."""
    prefix = "layer_"
    return [k.removeprefix(prefix) for k in lexicon().counting if k.startswith(prefix) and says(k, text)]


def obstacle(text: str) -> str:
    """A word that may change what is counted, as the text has it; empty if there is none."""
    plain = without(text, "harmless", "bias_none", "bias_one", "bias_two", "bias_all", "norms_none")
    for found in find("obstacles", plain):
        return plain[found.start : found.end].strip()
    return ""


def understood(text: str) -> bool:
    """Whether every word is part of a pattern that was used or a plain one that changes no count."""
    lists = lexicon().counting
    used = [k for k in lists if k.startswith(("layer_", "size_", "bias_", "norms_"))]
    used += ["evaluating", "continuing", "product_of_shapes", "substitution", "divides", "declared_sizes", "whole"]
    text = without(text, "harmless", *used)
    text = FORMULA.sub(" ", without(text, "plain"))
    return re.search(r"[^\W\d_]", text) is None
