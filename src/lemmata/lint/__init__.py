"""Lint for notation: what is understood, but would be read more easily written otherwise. Each rule is one value."""

from __future__ import annotations

from lemmata.elaborate.document import Elaboration
from lemmata.lint.finding import Finding, Notes, Rule


def catalogue() -> tuple[Rule, ...]:
    """Every rule, in the order of their names."""
    from lemmata.lint.rules import bold, brackets, indices, meanings, undeclared, upright

    return (bold.RULE, brackets.RULE, indices.RULE, meanings.RULE, undeclared.RULE, upright.RULE)


def lint(elaboration: Elaboration) -> tuple[Finding, ...]:
    """What the rules find in a document, in its order."""
    notes = Notes(elaboration)
    found = [finding for rule in catalogue() for finding in rule.check(notes)]
    return tuple(sorted(found, key=lambda f: (f.formula.index, f.start, f.rule)))
