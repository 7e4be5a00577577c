"""What a document states besides definitions and equations: one kind a module, for the rules of `code/further.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lemmata.elaborate.document import Elaboration
from lemmata.lower.draws import NormalNoise, noises
from lemmata.lower.entrywise import Entrywise, entrywise
from lemmata.lower.equations import StatedEquation, equations
from lemmata.lower.listed import Listed, listed
from lemmata.lower.neighbourhoods import Neighbourhood, neighbourhoods
from lemmata.lower.open_layers import OpenLayers, open_layers
from lemmata.lower.products import products
from lemmata.lower.stated_values import StatedValue, stated_values
from lemmata.lower.targets import FormulaTarget
from lemmata.lower.ties import Tie, Tied, named, tied, ties

Further: TypeAlias = (
    StatedEquation | Tie | Tied | StatedValue | OpenLayers | Listed | Entrywise | NormalNoise | Neighbourhood
)


def further(elaboration: Elaboration, known: Sequence[FormulaTarget]) -> tuple[Further, ...]:
    """Every equation for itself, with what the text says of names in the code, and all other kinds."""
    said = ties(elaboration)
    stated = tuple(variant for e in equations(elaboration) for variant in named(e, said))
    found: list[Further] = [*stated, *said, *tied(elaboration, stated, said), *stated_values(elaboration)]
    found += [*open_layers(elaboration), *listed(elaboration), *entrywise(stated, known), *noises(elaboration, stated)]
    found += neighbourhoods(elaboration)
    found += products(elaboration, stated[0].others if stated else frozenset())
    return tuple(found)
