"""What the words of a document say about its formulas: scopes, sentences, cues, hypotheses, facts.

Texts hold formulas as ⟦k⟧, k being the formula's place in `document.formulas`. Nothing here reads LaTeX beyond what
tells a relation from a size; the typed elaboration decides what a cue or a fact means for a formula.
"""

from __future__ import annotations

from msgspec import Struct, field

from lemmata.documents.model import Formula


class Scope(Struct, frozen=True):
    """A part of the document with names of its own.

    kind: `document` (the root, id 0), `heading`, `runin` (a bold or numbered opening of a paragraph), `theorem` (a
    run-in or directive with such a title), `proof`, `item`, `block` (a quote or directive).
    """

    id: int
    parent: int | None
    title: str
    kind: str


class Sentence(Struct, frozen=True):
    """A sentence of the reading flow, displays included.

    lead: the sentence that introduces this one (it ended with a colon before a list, or this one has no words of its
    own or goes on with "then"); None if there is none.
    """

    id: int
    pieces: tuple[str | Formula, ...]
    text: str
    formulas: tuple[int, ...]
    scope: int
    paragraph: int
    """Sentences of one paragraph, the displays inside it included, share a number."""
    lead: int | None = None


class Hypothesis(Struct, frozen=True):
    """A clause that restricts what is said.

    kind: `if`, `when` (also provided, such that), `assume`, `for`, `forall`, `limit`, `at` (a point), `set` (setting),
    `action` ("if we add the two": the author does something, nothing is restricted).
    """

    text: str
    formulas: tuple[int, ...]
    kind: str
    words_only: bool
    """Neither a formula that states a relation nor a property that is understood: it can only guard."""
    sentence: int = 0
    facts: tuple[int, ...] = ()
    """Places in `Context.facts` of the facts stated inside the clause."""
    partly: bool = False
    """It says more than the properties that are understood."""


class Fact(Struct, frozen=True):
    """A property or relation stated in words.

    `kind` is a table name of `facts`, `relations` or `conventions` in the language files. Subjects are the formulas it
    speaks of (empty: the whole section or document); objects the formulas that give the value, rows, variable ...
    """

    kind: str
    subjects: tuple[int, ...]
    objects: tuple[int, ...]
    text: str
    scope: int
    sentence: int
    part: str = ""
    """`components` where the property is said of the components, entries or elements of the subject."""
    conditional: bool = False
    """Stated inside an if/when clause: it holds only where that hypothesis governs."""


class FormulaContext(Struct, frozen=True):
    """What the words around one formula make of it.

    cue: `define`, `declare`, `assume`, `condition`, `claim`, `where`, `update`, `example`, `recall` or `none`.
    """

    index: int
    scope: int
    sentence: int
    before: str
    after: str
    cue: str = "none"
    cue_text: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    withdrawn: bool = False
    approximate: bool = False
    foreign: str = ""
    """The beginning of the sentence where it is in a language whose words are not known."""


class Context(Struct, frozen=True):
    scopes: tuple[Scope, ...]
    sentences: tuple[Sentence, ...]
    formulas: tuple[FormulaContext, ...]
    """One for each of `document.formulas`, in that order."""
    facts: tuple[Fact, ...]

    def path(self, scope: int) -> tuple[int, ...]:
        """Scope ids from the root down to this one."""
        found = [scope]
        while (parent := self.scopes[found[-1]].parent) is not None:
            found.append(parent)
        return tuple(reversed(found))

    def in_scope(self, a: int, b: int) -> bool:
        """Whether what scope `b` binds is visible from scope `a`: b is a or encloses it."""
        at: int | None = a
        while at is not None and at != b:
            at = self.scopes[at].parent
        return at == b

    def facts_of(self, formula: int) -> tuple[Fact, ...]:
        """The facts that speak of this formula."""
        return tuple(f for f in self.facts if formula in f.subjects)


class Clause(Struct, eq=False):
    """A stretch of a sentence under one governing word."""

    word: str
    """The list of `cues` the word stands in, or `none`."""
    cue: str
    text: str
    start: int
    end: int
    hypothesis: str = ""
    parent: Clause | None = None
    formulas: list[int] = field(default_factory=list)
    first: int = 0
    """Place of its first token."""
    content: bool = False
    pending: bool = False
    """A comma came after its content: the next words decide whether it is over."""
    leading: bool = True
    """Nothing that it could restrict stands before it in its part of the sentence."""
    part: int = 0
    bracket: bool = False


class Reading(Struct, frozen=True):
    """Of one sentence."""

    clauses: tuple[Clause, ...]
    cue: dict[int, Clause]
    """By formula."""
    part: dict[int, int]
    """By formula: which part between semicolons it stands in."""
    last: dict[int, int]
    """By part: the offset of its last formula."""

    def follows(self, clause: Clause) -> bool:
        """Whether a formula stands after the clause in its part of the sentence."""
        return self.last.get(clause.part, -1) >= clause.end
