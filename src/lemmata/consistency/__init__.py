"""What a document cannot mean: places that contradict the document itself or the fixed meaning of a name.

The claims of a document are judged by instances elsewhere. Here every rule is one sentence about form or about a name
that means the same everywhere; a rule says nothing where it is not sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from lemmata.consistency.bounds import complements
from lemmata.consistency.branches import repeated
from lemmata.consistency.densities import noising, parameters, reparametrised
from lemmata.consistency.expansions import coefficients, implications
from lemmata.consistency.indices import arguments, leftover, running, runs
from lemmata.consistency.kernels import covariances
from lemmata.consistency.numbers import arithmetic
from lemmata.consistency.orders import turned_round
from lemmata.consistency.quoted import laws
from lemmata.consistency.sequences import returns
from lemmata.consistency.series import approximations, differences, expansions, limits
from lemmata.consistency.standard import cumulative, even, flat, nonnegative, twice
from lemmata.consistency.survey import Contradiction, Survey, survey
from lemmata.consistency.worked import finite_sums, outcomes, plugged, scores
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.prose_framing import framing, stating

RULES = (
    arithmetic,
    laws,
    coefficients,
    implications,
    complements,
    parameters,
    noising,
    reparametrised,
    running,
    arguments,
    leftover,
    runs,
    returns,
    expansions,
    approximations,
    limits,
    differences,
    twice,
    nonnegative,
    cumulative,
    flat,
    even,
    plugged,
    outcomes,
    finite_sums,
    scores,
    turned_round,
    covariances,
    repeated,
)


Rule = Callable[[Survey], Iterator[Contradiction]]
Failed = Callable[[str, Exception], None]
"""What is told of a mistake of ours: the stage, and the exception."""


def contradictions(elaboration: Elaboration, failed: Failed | None = None) -> tuple[Contradiction, ...]:
    """Everything that the rules find, in the order of the document; `failed` is told of mistakes of ours."""
    seen = survey(elaboration)
    found = [c for rule in RULES for c in _carefully(rule, seen, failed) if asserts(elaboration, c)]
    return tuple(sorted(found, key=lambda c: (c.formula.index, c.start)))


def asserts(elaboration: Elaboration, found: Contradiction) -> bool:
    """Whether a formula stands in words that are known and is not denied, asked, wished or told of others.

    An implication inside a formula is asserted, whatever is wanted of its sides.
    """
    context, formula = elaboration.context, found.formula.index
    if context.formulas[formula].foreign:
        return False
    own = found.rule == implications.__name__
    return own or not framing(context, formula, stating(elaboration.items), situations=False)


def _carefully(rule: Rule, seen: Survey, failed: Failed | None) -> Iterator[Contradiction]:
    """A mistake of ours in a rule ends that rule, not the check."""
    try:
        for found in rule(seen):
            yield replace(found, rule=rule.__name__)
    except Exception as error:
        if failed is not None:
            failed(f"looking for contradictions ({rule.__name__})", error)
