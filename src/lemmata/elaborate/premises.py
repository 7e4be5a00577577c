"""Whether a relation follows from premises that were all understood: then it claims, and asks nothing of its letters.

“Let $Q$ be orthogonal. Hence $$Q^\\top Q = 2I.$$” cannot be a condition on Q: the words say that it follows, and
nothing that was said before it is left over. Where anything is (a word, a figure of speech, a formula that is not
read), the relation may rest on that, and stays what it would be without the words.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context, Fact, Sentence
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.facts import PROPERTIES, names_of
from lemmata.elaborate.laws import RANDOM
from lemmata.elaborate.names import walk
from lemmata.elaborate.prose_lexicon import lexicon
from lemmata.elaborate.prose_plain import bare, plain
from lemmata.elaborate.roles import Item, Roles

USED = (
    frozenset(PROPERTIES) | RANDOM | {"positive", "nonnegative", "scalar", "vector", "matrix", "square", "independent"}
)
"""Kinds of facts that the values drawn for the symbols meet."""
BINDING = frozenset({"declaration", "definition", "expression", "instance"})
ASKED = frozenset({("condition", "property"), ("condition", "size")})
"""Conditions that the values drawn for the symbols meet."""


class Premises(Struct):
    """The items and facts of a document by where they stand."""

    context: Context
    roles: Roles
    items: dict[int, list[Item]] = field(default_factory=dict)
    """By formula."""
    facts: dict[int, list[Fact]] = field(default_factory=dict)
    """By sentence."""

    @staticmethod
    def of(items: Sequence[Item], context: Context, roles: Roles) -> Premises:
        found = Premises(context, roles)
        for item in items:
            found.items.setdefault(item.formula.index, []).append(item)
        for fact in context.facts:
            found.facts.setdefault(fact.sentence, []).append(fact)
        return found

    def imply(self, item: Item) -> bool:
        """Whether words of conclusion alone introduce an item, and all else in its sections is understood."""
        here = self.context.formulas[item.formula.index]
        sentence = self.context.sentences[here.sentence]
        if not _concludes(item, sentence) or len(self.items[item.formula.index]) > 1:
            return False
        if bare(sentence.text.partition(f"⟦{item.formula.index}⟧")[2]):
            return False
        if any(isinstance(n, s.Expectation) and (n.sub is not None or n.op == "P") for n in walk(item.part.expr)):
            return False  # it says itself what is random
        path = self.context.path(here.scope)
        return all(
            self._understood(x, item) for x in self.context.sentences if x.scope in path and not self._is_title(x)
        )

    def _is_title(self, sentence: Sentence) -> bool:
        """A heading; one that names a property is no mere title unless a sentence below it states a property."""
        scope = self.context.scopes[sentence.scope]
        if sentence.formulas or scope.kind != "heading" or bare(sentence.text) != bare(scope.title):
            return False
        entries = (token.entry for token in lexicon().tokens(sentence.text))
        if not any(e is not None and set(e.facts) & set(PROPERTIES) for e in entries):
            return True
        return any(f.kind in PROPERTIES and f.scope == sentence.scope and f.subjects for f in self.context.facts)

    def _is_read(self, item: Item) -> bool:
        """Whether the law that X ∼ … states was understood."""
        environment = self.roles.environment
        names = names_of(item.part.expr)
        keys = [head_key(n, self.roles.letters, environment, item.place)[0] for n in names]
        bound = [environment.find(k, n.font, item.place) for k, n in zip(keys, names, strict=True)]
        return bool(bound) and all(b is not None and b.law is not None for b in bound)

    def _understood(self, sentence: Sentence, claim: Item) -> bool:
        """Whether a sentence says nothing but what its formulas bind and what facts that are used say of them."""
        for item in (i for k in sentence.formulas for i in self.items.get(k, ())):
            if item.formula is claim.formula:
                continue
            known = item.concluded or item.role in BINDING or (item.role, item.kind) in ASKED
            known = known or not item.role and item.place.at > claim.place.at and _concludes(item, sentence)
            if item.kind == "law" and not self._is_read(item):
                return False
            if not known or item.reason or item.mistake or item.withdrawn or item.approximate:
                return False
        text = sentence.text
        for fact in self.facts.get(sentence.id, ()):
            if fact.kind not in USED or fact.conditional or not fact.subjects:
                return False
            text = text.replace(fact.text, " ")
        return plain(text)


def _concludes(item: Item, sentence: Sentence) -> bool:
    """Whether words of conclusion, and nothing else, stand between the formula before and this one."""
    before = sentence.text.partition(f"⟦{item.formula.index}⟧")[0]
    return bare(before.rpartition("⟧")[2]) in lexicon().sets["conclusions"]
