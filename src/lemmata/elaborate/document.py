"""A whole document: parse every formula, bind what it binds, read what it claims."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata import latex
from lemmata.core.terms import Term
from lemmata.diagnostic import mistake
from lemmata.documents.model import Document, Formula
from lemmata.elaborate import joint_laws, side_conditions
from lemmata.elaborate import surface as s
from lemmata.elaborate.bounds import DEFINING
from lemmata.elaborate.by_index import counts_from_zero, zeros_beyond
from lemmata.elaborate.claims import Attempt, Conditions, inputs_of, read_chain, shape_of
from lemmata.elaborate.context import Context, FormulaContext, context, cue_of
from lemmata.elaborate.curves import declare_curves
from lemmata.elaborate.declarations import membership
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.expressions import HANDLERS
from lemmata.elaborate.facts import PROPERTIES, apply_facts, names_of
from lemmata.elaborate.first_values import given
from lemmata.elaborate.gaussian_parameters import declare_parameters
from lemmata.elaborate.guards import constant_family, extent, source_of, unheard, with_formulas
from lemmata.elaborate.guesses import usage, usage_by_section
from lemmata.elaborate.implied import (
    apply_first_values,
    implied_families,
    mutual_recurrences,
    note_sizes,
    typed_parameters,
    undefined_losses,
    whole_families,
    widths,
)
from lemmata.elaborate.joined_names import has_joined, joined_names
from lemmata.elaborate.laws import apply_laws, declare_samples
from lemmata.elaborate.minimisers import closed_forms
from lemmata.elaborate.named_quantities import name_quantities
from lemmata.elaborate.names import both_fonts, circles, index_letters, script_items, spell, stem, step_letters, walk
from lemmata.elaborate.open_functions import open_functions
from lemmata.elaborate.outline import Outlines, called
from lemmata.elaborate.patterns import specific
from lemmata.elaborate.premises import Premises
from lemmata.elaborate.prose_framing import framing, stating
from lemmata.elaborate.reader import Conventions, Reader, Shared, known
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.rows import rows_by_letter
from lemmata.elaborate.solver import Misfit, Solver, Unreadable
from lemmata.elaborate.spectra import name_spectra
from lemmata.elaborate.statement import Reading, ShapeError, Statement
from lemmata.elaborate.syntax import conditions as conditions_of
from lemmata.elaborate.syntax import is_conclusion, is_condition, parse
from lemmata.elaborate.whole_numbers import Said, parities, restrictions, said_of
from lemmata.latex.tree import Row

_REJECTED = r"(?:is|are|would be)\s+(?:wrong|incorrect|not correct|not true|false)\b|does not hold\b"
_REJECTED_ZH = r"(?:是|都是)?(?:错误的|错的|不对|不正确|不成立)"
SAMPLE_MEAN = re.compile(
    r"\b(?:sample|empirical|arithmetic|their|the) (?:mean|average)\b|样本均值|样本平均|平均值|算术平均", re.IGNORECASE
)
TAKEN_BACK = re.compile(
    r"\s*[,，;；]?\s*(?:\b(?:but|which|and)\b|但|却|然而|不过)?\s*(?:\b(?:this|that|it)\b|这|那|它)?\s*"
    rf"(?:\b(?:{_REJECTED})|{_REJECTED_ZH})",
    re.IGNORECASE,
)
"""“… , but this is wrong”, “……，但这是错误的” right behind a formula."""
T = TypeVar("T")
STATEMENT_ROLES = frozenset(
    {
        "declaration",
        "definition",
        "implicit definition",
        "condition",
        "instance",
        "update",
        "approximation",
        "claim",
        "withdrawn",
    }
)


class Elaboration(Struct, frozen=True):
    """What a document says, formula by formula, and what it binds."""

    document: Document
    statements: tuple[Statement, ...]
    roles: Roles
    context: Context
    items: tuple[Item, ...] = ()
    """Every part with its role, in order."""
    words: frozenset[str] = frozenset()
    """Names of several letters that the document writes as one."""
    definitions: Mapping[str, object] = field(default_factory=dict)
    """Macros that formulas define."""
    usage_by_section: Mapping[tuple[int, ...], Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """How symbols are used in each section."""


class Elaborator(Struct, dict=True):
    """The state of elaborating one document."""

    document: Document
    context: Context
    items: list[Item] = field(default_factory=list)
    conventions: Conventions = field(default_factory=Conventions)
    environment: Environment = field(default_factory=Environment)
    usage: dict[str, frozenset[str]] = field(default_factory=dict)
    roles: Roles | None = None
    words_of_document: frozenset[str] = frozenset()
    definitions: dict[str, object] = field(default_factory=dict)
    usage_by_section: Mapping[tuple[int, ...], Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """What is said of whole numbers that no value meets."""
        return restrictions(self.context, self.items)

    @cached_property
    def stating(self) -> frozenset[int]:
        """The formulas that are relations."""
        return stating(self.items)

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        return self.document.formulas

    @staticmethod
    def of(elaboration: Elaboration) -> Elaborator:
        """The state in which a document was elaborated, for further reading in it."""
        roles = elaboration.roles
        return Elaborator(
            elaboration.document,
            elaboration.context,
            list(elaboration.items),
            roles.shared.conventions,
            roles.environment,
            dict(roles.shared.usage),
            roles,
            elaboration.words,
            dict(elaboration.definitions),
            elaboration.usage_by_section,
        )

    @staticmethod
    def with_binding(shared: Shared, binding: Binding) -> Shared:
        """The same state with one more binding, which the document's own environment does not get."""
        environment = Environment()
        for key in shared.environment.keys():
            for known_binding in shared.environment.all(key):
                environment.put(known_binding)
        environment.add(binding)
        return replace(shared, environment=environment)

    def run(self) -> Elaboration:
        self.parse()
        exprs = [i.part.expr for i in self.items]
        self.conventions.zero_based = counts_from_zero(exprs)
        self.conventions.index_letters = letters = index_letters(exprs)
        self.conventions.step_letters = step_letters(exprs)
        self.conventions.circles = circles([(i.place.at, i.part.expr) for i in self.items])
        self.conventions.open_functions = open_functions(exprs)
        joint_laws.learn(self.conventions, [(i.place.scopes, i.part.expr) for i in self.items])
        self.usage = usage(exprs, letters)
        self.conventions.sample_means = any(SAMPLE_MEAN.search(x.text) for x in self.context.sentences)
        placed = [(section_of(i.place), i.part.expr) for i in self.items]
        self.usage_by_section = usage_by_section(self.usage, placed, letters)
        self.environment.both_fonts = both_fonts(exprs)
        shared = self.shared(Choices(), None)
        roles = self.roles = Roles(shared, letters, self.items)
        for item in self.items:
            carefully(item, roles.declare)
        roles.complete_ranges()
        note_sizes(Reader(shared, Place(0)), exprs)
        widths(roles, exprs)
        implied_families(roles, exprs)
        apply_facts(self.context, self.items, roles, self.conventions)
        for step in (parities, declare_samples, apply_laws, declare_parameters, name_quantities, name_spectra):
            step(self.context, self.items, roles)
        declare_curves(self.context, self.items, roles)
        rows_by_letter(roles)
        typed_parameters(roles)
        undefined_losses(roles)
        premises = Premises.of(self.items, self.context, roles)
        for item in self.items:
            item.concluded = premises.imply(item)
            carefully(item, roles.assign)
        mutual_recurrences(roles)
        whole_families(roles)
        zeros_beyond(roles, self.items)
        apply_first_values(roles)
        closed_forms(self.context, roles)
        statements = [x for item in self.items for x in carefully(item, self.statements) or self.failed(item)]
        outlines = Outlines(called(exprs), letters)
        statements = [self.outlined(x, outlines) if x.reason else x for x in statements]
        return Elaboration(
            self.document,
            tuple(statements),
            roles,
            self.context,
            tuple(self.items),
            self.words_of_document,
            self.definitions,
            self.usage_by_section,
        )

    def outlined(self, statement: Statement, outlines: Outlines) -> Statement:
        """A statement of which nothing can be said, with what it says in outline.

        An outline decides nothing, so a mistake of ours in it costs no more than the outline.
        """
        try:
            found = outlines.of(statement, lambda: self.shared(Choices(), None))
        except Exception:
            return statement
        return replace(statement, outline=found)

    def parse(self) -> None:
        """Every formula of the prose as parts with its place and cues."""
        rows = []
        for formula in self.document.formulas:
            rows.append((formula, latex.parse(formula.latex, self.document.macros, definitions=self.definitions)))
        first = [(formula, row, parse(row)) for formula, row in rows]
        exprs = [p.expr for _, _, parts in first for p in parts]
        words = joined_names(exprs)
        self.words_of_document = words
        for formula, row, parts in first:
            if words and has_joined(formula.latex, words):
                parts = parse(row, words=words)
            words_of = self.context.formulas[formula.index]
            place = Place(formula.index, self.context.path(words_of.scope), words_of.sentence)
            conditional = tuple(
                f
                for h in words_of.hypotheses
                if h.kind in ("if", "when", "for") and h.sentence == words_of.sentence
                for f in h.formulas
                if f != formula.index
            )
            limited = any(
                h.kind in ("if", "when", "at", "set") and h.sentence == words_of.sentence for h in words_of.hypotheses
            )
            withdrawn = words_of.withdrawn or TAKEN_BACK.match(words_of.after) is not None
            for part in parts:
                own = "condition" if is_condition(part.lead) else cue_of(words_of, part.expr, not formula.display)
                own = "none" if own in DEFINING and is_conclusion(part.lead) else own
                self.items.append(
                    Item(formula, part, place, own, withdrawn, conditional, words_of.approximate, limited)
                )

    def reread(self, text: str) -> tuple[Row, tuple[s.Part, ...]]:
        """Another text in the place of a formula, as notation and as parts."""
        row = latex.parse(text, self.document.macros, definitions=dict(self.definitions))
        words = self.words_of_document
        return row, parse(row, words=words) if words and has_joined(text, words) else parse(row)

    def shared(self, choices: Choices, item: Item | None) -> Shared:
        """A fresh state for one reading, with the size equations that hold at the item."""
        marks = self.usage if item is None else self.usage_by_section.get(section_of(item.place), self.usage)
        shared = Shared(self.environment, self.conventions, HANDLERS, solver := Solver(), choices, usage=marks)
        shared.laws = joint_laws.laws_at(self.conventions, item.place.scopes) if item is not None else {}
        if item is not None and self.roles is not None:
            for source, left, right in self.roles.size_equations:
                if source is not item and self._governs(source, item):
                    solver.equate(left, right)
            for place, alias, width in self.roles.aliases:
                if place.at <= item.place.at:
                    solver.equate(alias, width)
            for place, left, op, right in self.roles.size_rules:
                if place.at <= item.place.at or place.scopes == item.place.scopes[: len(place.scopes)]:
                    shared.order.append((left, op, right))
            for place, left, op, right in self.roles.parities:
                if place.scopes == item.place.scopes[: len(place.scopes)]:
                    shared.order.append((left, op, right))
        return shared

    def words(self, item: Item) -> FormulaContext:
        return self.context.formulas[item.formula.index]

    def _governs(self, source: Item, item: Item) -> bool:
        """Whether a condition holds for an item: in its sentence if it is an if/when, in its scope if it is a let."""
        here, there = self.words(source), self.words(item)
        if source.formula.index in {f for h in there.hypotheses for f in h.formulas}:
            return True
        if source.cue in ("condition", "example"):
            return here.sentence == there.sentence
        inside = source.place.scopes == item.place.scopes[: len(source.place.scopes)] or source.cue == "assume"
        return inside and source.place.at <= item.place.at or here.sentence == there.sentence

    def _stands(self, source: Item) -> bool:
        """Whether a condition holds from its place on: its sentence claims nothing, as in “Let x satisfy A x = b.”"""
        if source.role != "condition" or not source.equations:
            return False
        beside = [i for i in self.items if i.place.sentence == source.place.sentence >= 0]
        let = any(i.cue in ("define", "assume") or i.role == "declaration" for i in beside)
        return source.kind != "special case" and let and not any(i.role == "claim" for i in beside)

    def parts_over(self, item: Item) -> list[Item]:
        """Parts of the same formula that restrict this one: “… if j ≤ i”."""
        own = [i for i in self.items if i.formula is item.formula]
        subject = conditions_of(tuple(i.part for i in own))
        return [own[k] for k in subject[own.index(item)]]

    def conditions(self, item: Item) -> tuple[Conditions, tuple[str, ...], tuple[str, ...]]:
        """What the sentence's hypotheses add, what was assumed in words, and what could not be used."""
        equations: list[tuple[s.Expr, s.Expr]] = []
        relations: list[s.Relation] = []
        indices: list[tuple[bool, Item]] = []
        guards: list[str] = []
        assumed: list[str] = []
        constants: list[s.Name] = []
        properties: list[tuple[s.Name, str]] = []
        fixed: list[s.Name] = []
        for source in self.parts_over(item):
            if source.role == "condition" and source.equations:
                equations.extend(source.equations)
                assumed.append(source_of(source))
            elif source.role == "condition" and source.kind == "indices":
                indices.append((True, source))
            elif source.role == "condition" and source.claims:
                relations.extend(source.claims)
                assumed.append(source_of(source))
            elif source.role == "condition" and source.kind == "size" or source.role == "declaration":
                assumed.append(source_of(source))
            else:
                guards.append(source_of(source))
        for hypothesis in self.words(item).hypotheses:
            for fact in (self.context.facts[k] for k in hypothesis.facts):
                prop = PROPERTIES.get(fact.kind)
                if fact.conditional and prop is not None:
                    subjects = [
                        n for i in self.items if i.formula.index in fact.subjects for n in names_of(i.part.expr)
                    ]
                    properties.extend((n, prop) for n in subjects)
                    assumed.append(hypothesis.text)
                    if not subjects:
                        guards.append(hypothesis.text)
                if fact.kind == "constant":
                    constants.extend(
                        n
                        for i in self.items
                        if i.formula.index in fact.subjects
                        and constant_family(hypothesis.text, i, self.environment) is None
                        for n in names_of(i.part.expr)
                    )
                    assumed.append(hypothesis.text)
            if side_conditions.says_nothing(hypothesis, item, self.items, self.environment):
                continue
            if side_conditions.not_used(hypothesis, self.context.facts):
                guards.append(hypothesis.text)
            sources = [i for i in self.items if i.formula.index in hypothesis.formulas and i is not item]
            sources = [i for i in sources if i.formula is not item.formula or i.part.row != item.part.row]
            if hypothesis.words_only and (not sources or side_conditions.excepts(hypothesis)):
                continue
            for source in sources:
                if source.role == "condition" and source.equations:
                    equations.extend(source.equations)
                    assumed.append(source_of(source))
                elif source.role == "condition" and source.kind == "indices":
                    indices.append((False, source))
                elif source.role == "condition" and source.claims:
                    relations.extend(source.claims)
                    assumed.append(source_of(source))
                elif (constant := constant_family(hypothesis.text, source, self.environment)) is not None:
                    fixed.append(constant)
                    assumed.append(hypothesis.text)
                elif (
                    source.role == "condition"
                    or source.role in ("declaration", "definition", "expression")
                    and not source.reason
                ):
                    assumed.append(source_of(source))
                else:
                    guards.append(hypothesis.text)
        for source in side_conditions.nearest(indices, item):
            relations.extend(source.claims)
            assumed.append(source_of(source))
        guards.extend(unheard(item, self.items, self.context))
        if item.reserved:
            guards.append(item.formula.latex)
        if not item.part.lead and not side_conditions.is_solution(item):
            guards.extend(filter(None, [framing(self.context, item.formula.index, self.stating)]))
        if self.words(item).foreign:
            guards.append(f"{self.words(item).foreign} (in a language that is not known)")
        for source in self.items:
            if (
                source.role == "condition"
                and source.equations
                and source.place.at < item.place.at
                and source.place.scopes == item.place.scopes[: len(source.place.scopes)]
                and (source.cue == "assume" or self._stands(source))
                and source.equations[0] not in equations
            ):
                equations.extend(source.equations)
                assumed.append(source_of(source))
        in_words = partial(with_formulas, formulas=self.formulas)
        return (
            Conditions(tuple(equations), tuple(relations), tuple(constants), tuple(properties), tuple(fixed)),
            tuple(dict.fromkeys(map(in_words, guards))),
            tuple(dict.fromkeys(map(in_words, assumed))),
        )

    def statements(self, item: Item) -> list[Statement]:
        """The statements of a part: what it declares or defines, and each claim in it."""
        if item.role not in STATEMENT_ROLES:
            return []
        found: list[Statement] = []
        if (
            item.role in ("claim", "definition")
            and (item.withdrawn or item.approximate)
            and (item.claims or item.membership)
        ):
            role = "withdrawn" if item.withdrawn else "approximation"
            return [self.statement(item, item.part.expr, role=role, kind=item.kind, reason=f"the text {_why(role)}")]
        if item.role != "claim":
            found.append(self.plain(item))
        for chain in item.claims if item.role in ("claim", "definition") else ():
            found.append(self.claim(item, chain))
        if item.membership is not None and item.role in ("claim", "definition"):
            found.append(self.shape_claim(item))
        return found

    def failed(self, item: Item) -> list[Statement]:
        if not item.mistake:
            return []
        return [self.statement(item, item.part.expr, role="claim", kind="equation", reason=item.mistake)]

    def plain(self, item: Item) -> Statement:
        reason = item.reason
        shapes: tuple[tuple[str, str], ...] = ()
        readings: tuple[Reading, ...] = ()
        expr = item.part.expr
        if item.role == "definition" and item.kind == "definition" and isinstance(expr, s.Relation):
            reason, shapes, readings = self.understood(item, expr)
            if item.claims:
                expr = replace(expr, ops=expr.ops[:1], items=expr.items[:2], end=expr.items[1].end)
        return self.statement(
            item, expr, role=item.role, kind=item.kind, reason=reason, shapes=shapes, readings=readings
        )

    def understood(self, item: Item, expr: s.Relation) -> tuple[str, tuple[tuple[str, str], ...], tuple[Reading, ...]]:
        """Why a definition's body cannot be read, or empty; the shapes of what it binds; what it binds as a term."""
        shared = self.shared(Choices(), item)
        r = Reader(shared, item.place)
        try:
            term = _definition_term(r, item, expr)
        except Unreadable as error:
            return str(error), (), ()
        except RecursionError:
            return "the definitions are nested too deeply", (), ()
        reading = Reading(
            (term,),
            (),
            dict(r.solver.solution),
            dict(shared.recurrences),
            dict(shared.steps),
            tuple(shared.order),
            guessed=tuple(shared.guessed.values()),
        )
        return "", ((spell(expr.items[0]), str(r.solver.type(term.type))),), (reading,)

    def claim(self, item: Item, chain: s.Relation) -> Statement:
        kind = _kind(chain, item.kind)
        conditions, guards, assumed = self.conditions(item)
        attempt: Attempt = read_chain(lambda c: self.shared(c, item), item.place, chain.items, chain.ops, conditions)
        reason = "" if attempt.readings and not attempt.preferred_failed else attempt.preferred_failed
        hidden = _implicit(attempt, chain, self.items, item)
        if hidden:
            return self.statement(
                item,
                chain,
                role="implicit definition",
                kind=kind,
                readings=tuple(attempt.readings),
                reason="",
                assumptions=(f"defines {hidden}",),
            )
        in_words = partial(with_formulas, formulas=self.formulas)
        guards += tuple(map(in_words, said_of(item, self.environment, self.said)))
        unused = set(guards) | {source_of(i) for i in side_conditions.not_understood(item, self.items)}
        if side_conditions.is_aside(item, self.items):
            unused.add(source_of(item))
        if not item.formula.display and (kind == "inequality" and item.cue != "claim" or _to_be_solved(chain, attempt)):
            unused.add(source_of(item))
        unused.update(self.examples(item, chain))
        unused.update(self.ambiguous(*chain.items))
        number = bool(attempt.readings) and attempt.readings[0].sides[0].type.rank == 0
        bare = isinstance(chain.items[0], s.Name) and chain.items[0].sup is None and item.role == "claim"
        if bare and self.determined(item, chain.items[0]):
            bare = False
        if bare and not item.formula.display and (number or item.cue != "claim"):
            # An inline equation for a name that has a value may give it anew: y = x^2, y = |x|.
            unused.add(source_of(item))
        return self.statement(
            item,
            chain,
            role="claim",
            kind=kind,
            reason=reason,
            readings=tuple(attempt.readings),
            unread=tuple(attempt.failures),
            untried=tuple(attempt.untried),
            complete=attempt.complete,
            shape_error=None if self.ambiguous(*chain.items) else attempt.shape_error,
            guards=tuple(sorted(unused)),
            assumptions=assumed,
            concluded=item.concluded,
        )

    def determined(self, item: Item, head: s.Expr) -> bool:
        """Whether the left side is a single member of a family that a formula in sizes gives: ω_{d/2}."""
        if not isinstance(head, s.Name) or self.roles is None:
            return False
        items = script_items(head.sub)
        return specific(items) and given(self.roles, item, head, items)

    def examples(self, item: Item, chain: s.Relation) -> list[str]:
        """Instances such as d = 64 given before, where the claim compares with a number: it may be meant there.

        Those that bind (matrices in numbers) are in the claim already.
        """
        if all(any(isinstance(n, s.Name) for n in walk(side)) for side in chain.items):
            return []
        names = {_label(n) for side in chain.items for n in walk(side) if isinstance(n, s.Name)}
        found: list[str] = []
        for other in self.items:
            expr = other.part.expr
            if other.role != "instance" or other.place.at > item.place.at or not isinstance(expr, s.Relation):
                continue
            head = expr.items[0]
            if isinstance(head, s.Name) and _label(head) in names:
                bound = any(b.literal and b.place == other.place for b in self.environment.all(_label(head)))
                found.extend(() if bound else (source_of(other),))
        return found

    def shape_claim(self, item: Item) -> Statement:
        assert item.membership is not None
        left, right = item.membership
        span = (
            replace(item.part.expr, start=left.start, end=right.end)
            if isinstance(item.part.expr, s.Relation)
            else item.part.expr
        )
        try:
            found, guessed, shared = shape_of(lambda c: self.shared(c, item), item.place, left)
            member = membership(Reader(shared, item.place), right)
        except Misfit as misfit:
            error = None
            if not self.ambiguous(left) and all(known(x) for x in (*misfit.left, *misfit.right)):
                error = ShapeError(str(misfit), misfit.left, misfit.right, {})
            return self.statement(item, span, role="claim", kind="shape", reason=str(misfit), shape_error=error)
        except Unreadable as error_:
            return self.statement(item, span, role="claim", kind="shape", reason=str(error_))
        solution = dict(shared.solver.solution)
        claimed = member.type.shape
        if member.domain.low is not None or member.domain.high is not None or member.domain.properties:
            return self.statement(
                item, span, role="claim", kind="membership", reason="a membership in more than a shape"
            )
        match left:
            case s.Juxt(items=(s.Name(), s.Paren())) if not found.shape and claimed:
                # “x(t) ∈ ℝ^n” speaks of a function, whatever number x has been elsewhere.
                return self.statement(item, span, role="claim", kind="shape", reason="it may say what a function gives")
        if guessed or not all(known(x) for x in (*found.shape, *claimed)):
            return self.statement(item, span, role="claim", kind="shape", reason="the shapes are not all declared")
        return self.statement(
            item,
            span,
            role="claim",
            kind="shape",
            membership=(found.shape, claimed),
            solution=solution,
            guards=(*self.ambiguous(left), *filter(None, [framing(self.context, item.formula.index, self.stating)])),
        )

    def ambiguous(self, *sides: s.Expr) -> list[str]:
        """Functions that the text gives several signatures: f: ℝ^n → ℝ^m here, f: ℝ^n → ℝ there."""
        names = {stem(n) for side in sides for n in walk(side) if isinstance(n, s.Name)}
        return [f"{name} has several signatures" for name in sorted(names) if self.environment.signatures(name) > 1]

    def statement(self, item: Item, expr: s.Expr, **parts: Any) -> Statement:
        formula = item.formula
        start, end = extent(formula, expr)
        text = formula.latex[start:end].strip()
        return Statement(
            formula,
            formula.position(start),
            formula.position(max(start, end - 1)),
            text,
            place=item.place,
            expr=expr,
            **parts,
        )


def section_of(place: Place) -> tuple[int, ...]:
    """The section of the second level that a place is in."""
    return place.scopes[:3]


def carefully(item: Item, step: Callable[[Item], T]) -> T | None:
    """Take a step with an item; None where our own code fails at it, which the item remembers."""
    try:
        return None if item.mistake else step(item)
    except Exception as error:
        item.mistake = mistake(error)
        return None


def _definition_term(r: Reader, item: Item, expr: s.Relation) -> Term:
    from lemmata.elaborate import references
    from lemmata.elaborate.calls import call_function
    from lemmata.elaborate.derivatives import own_arguments
    from lemmata.elaborate.heads import head_of

    bindings = [
        b
        for key in r.shared.environment.keys()
        for b in r.shared.environment.all(key)
        if b.place == item.place and b.kind in ("definition", "function")
    ]
    head = head_of(expr.items[0], r.shared.conventions.index_letters, r.shared.environment, item.place)
    for binding in bindings:
        if head is not None and binding.key == head.key:
            if binding.kind == "function":
                if binding.indices:
                    r = r.bind({spell(i): references.free_index(r, spell(i)) for i in binding.indices})
                return call_function(r, binding, own_arguments(r, binding), binding.latex)
            if binding.indices:
                own = head.indices if len(head.indices) == len(binding.indices) else binding.indices
                letters = {stem(n) for i in own for n in walk(i) if isinstance(n, s.Name)}
                r = r.bind({x: references.free_index(r, x) for x in letters if x not in r.locals})
                return references.member(r, binding, own, None)[0]
            return references.refer(r, binding)
    return r.term(expr.items[-1])


def _to_be_solved(chain: s.Relation, attempt: Attempt) -> bool:
    """f'(x) = 0 in running text: a number on one side, a free number x on the other; it may ask for x."""
    if len(chain.items) != 2 or not any(
        isinstance(x, s.Num) or isinstance(x, s.Sign) and isinstance(x.body, s.Num) for x in chain.items
    ):
        return False
    inputs = [v for r in attempt.readings[:1] for v in inputs_of(r.sides)]
    return bool(inputs) and all(v.type.rank == 0 for v in inputs)


def _implicit(attempt: Attempt, chain: s.Relation, items: Sequence[Item], here: Item) -> str:
    """The one symbol that this equation leaves open and nothing before it mentions: q·k = ‖q‖‖k‖ cos θ defines θ."""
    if not attempt.readings or set(chain.ops) != {"="} or len(chain.items) != 2:
        return ""
    fresh = [v for v in attempt.readings[0].guessed if v.type.rank == 0]
    if len(fresh) != 1 or len(attempt.readings[0].guessed) != 1:
        return ""
    key = fresh[0].latex

    def count(expr: s.Expr) -> int:
        return sum(isinstance(n, s.Name) and stem(n) == key for n in walk(expr))

    if sum(count(x) for x in chain.items) != 1:
        return ""
    before = any(count(i.part.expr) for i in items if i.formula.index < here.formula.index)
    return "" if before else key


def _label(name: s.Name) -> str:
    return f"{stem(name)}_{spell(name.sub)}" if name.sub is not None else stem(name)


def _kind(chain: s.Relation, kind: str) -> str:
    if any(op != "=" for op in chain.ops):
        return "inequality"
    for side in chain.items:
        for node in walk(side):
            if isinstance(node, s.Derivative):
                return "gradient"
    for side in chain.items:
        for node in walk(side):
            if isinstance(node, s.Expectation):
                return "expectation"
    return kind if kind != "definition" else "equation"


def _why(role: str) -> str:
    return "takes it back" if role == "withdrawn" else "calls it approximate"


def elaborate(document: Document) -> Elaboration:
    """What every formula of the document says. Never raises for what the document holds."""
    return Elaborator(document, context(document)).run()
