"""One derivation in the scope of a document: read, derive, write, and judge the outcome like any claim."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.derive.form import Form, NoForm
from lemmata.derive.latex import Printer
from lemmata.derive.notation import Notation, notation_of
from lemmata.derive.read import TermReader
from lemmata.derive.simplify import expand, fold, opened, solve, tidy
from lemmata.elaborate import references
from lemmata.elaborate import surface as s
from lemmata.elaborate.claims import assign
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.later_values import settle_values
from lemmata.elaborate.losses import settle_losses
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.reader import Reader, Shared
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.lower.judge import judge_statement
from lemmata.verify.verdict import Verdict


class Derivation(Struct, frozen=True):
    """A derivative as LaTeX, with the verdict on it as a claim of the document."""

    left: str
    right: str
    verdict: Verdict
    steps: tuple[str, ...] = ()


class Underivable(Exception):
    """No derivation; the message says why."""


class Deriver:
    """Derives in one elaborated document."""

    def __init__(self, elaboration: Elaboration) -> None:
        self.elaboration = elaboration
        self.elaborator = Elaborator.of(elaboration)
        self.notation: Notation = notation_of(elaboration)
        self.printer = Printer(self.notation)

    def derive(self, item: Item, left: str, seed: int = 0) -> Derivation:
        """The derivative that `left` asks for, such as \\nabla_w L, at the place of an item. Raises Underivable."""
        part = self.part(item, left)
        shared = self.elaborator.shared(Choices(), item)
        r = Reader(shared, item.place)
        shared.home = item.place
        try:
            conditions = assign(r, self.elaborator.conditions(item)[0])
            settle_losses(r, [part.expr])
            settle_values(r, [part.expr])
            term = r.term(part.expr)
            for name in conditions.constants:
                term = t.Held(term.type, term, r.term(name))
        except Unreadable as error:
            raise Underivable(str(error)) from None
        reader = TermReader(r.solver.solution, shared.recurrences)
        try:
            result = reader.read(term)
            candidates = self.candidates(result, item, shared, reader)
        except NoForm as error:
            raise Underivable(str(error)) from None
        except RecursionError:
            raise Underivable("the expression is nested too deeply") from None
        texts = []
        for form in candidates:
            try:
                texts.append(self.printer.text(form))
            except NoForm as error:
                problem = error
        if not texts:
            raise Underivable(str(problem))
        best: Derivation | None = None
        for text in sorted(dict.fromkeys(texts), key=length):
            found = Derivation(left, text, self.judge(item, f"{left} = {text}", seed))
            if found.verdict.kind == "verified":
                return found
            best = best or found
        assert best is not None
        return best

    def candidates(self, result: Form, item: Item, shared: Shared, reader: TermReader) -> list[Form]:
        definitions = opened(self.definitions(item, shared, reader))
        within = [(fold(b, [d for d in definitions if d[1] is not x]), x) for b, x in definitions]
        known = {b.key for b, _ in definitions}
        definitions += [(b, x) for b, x in within if b.key not in known and b.op != "sym"]
        plain = tidy(result, self.measure)
        found = [plain]
        folded = fold(result, definitions)
        if folded.key != result.key:
            folded = fold(tidy(folded, self.measure), definitions)
            found.append(tidy(folded, self.measure))
        again = fold(plain, definitions)
        found.append(tidy(again, self.measure))
        for form in (result, plain, folded):
            spread = expand(form)
            if spread.key != form.key:
                spread = fold(tidy(spread, self.measure), definitions)
                found.append(tidy(spread, self.measure))
        for body, symbol in definitions:
            solved = [solve(x, body, symbol) for x in (folded, again)]
            found.extend(tidy(fold(tidy(x, self.measure), definitions), self.measure) for x in solved if x is not None)
        return found

    def measure(self, form: Form) -> int:
        try:
            return length(self.printer.text(form).replace("(", "").replace(")", ""))
        except NoForm:
            return 10**6

    def part(self, item: Item, text: str) -> s.Part:
        parts = self.elaborator.reread(text)[1]
        if len(parts) != 1:
            raise Underivable(f"{text} is not one expression")
        return parts[0]

    def judge(self, item: Item, text: str, seed: int = 0) -> Verdict:
        """The verdict on `text` as a claim at the place of an item."""
        part = self.part(item, text)
        if not isinstance(part.expr, s.Relation):
            return Verdict("unchecked", reason="it cannot be read back")
        formula = replace(item.formula, latex=text, anchors=((0, item.formula.position(0)),), display=True)
        claim = replace(item, formula=formula, part=part, cue="claim", role="claim", kind="gradient")
        known = self.elaborator.items
        self.elaborator.items = [i for i in known if i.formula is not item.formula] + [claim]
        try:
            return judge_statement(self.elaborator.claim(claim, part.expr), seed)
        finally:
            self.elaborator.items = known

    def definitions(self, item: Item, shared: Shared, reader: TermReader) -> dict[str, Form]:
        """What the document defines at this place, by key."""
        found: dict[str, Form] = {}
        for binding in self.bindings(item):
            r = Reader(shared, item.place)
            try:
                term = _value(r, binding)
                if term is None:
                    continue
                solved = TermReader(r.solver.solution, shared.recurrences)
                solved.memo = reader.memo
                form = solved.read(term)
            except (Unreadable, NoForm, RecursionError, AssertionError):
                continue
            if form.op in ("sym", "call") and form.body is not None:
                found[form.key] = form
        return found | {x.key: x for x in self.named_gradients(item, shared, reader)}

    def named_gradients(self, item: Item, shared: Shared, reader: TermReader) -> Iterator[Form]:
        """Symbols such as dQ by which the document calls a derivative up to this place."""
        names: dict[tuple[str, str], s.Name] = {}
        for other in self.elaborator.items:
            if other.place.at <= item.place.at:
                for node in walk(other.part.expr):
                    if isinstance(node, s.Name) and node.word and node.sub is None and not node.primes:
                        names.setdefault((stem(node), node.font), replace(node, sup=None))
        r = Reader(shared, item.place)
        for (key, _), name in names.items():
            try:
                term = r.term(name)
                form = reader.read(term) if isinstance(term, t.Deriv) else None
            except (Unreadable, NoForm, RecursionError, AssertionError):
                continue
            if form is not None and form.op not in ("sym", "call"):
                yield Form("sym", (), (f"{key} gradient", key), form.shape, form)

    def bindings(self, item: Item) -> Iterator[Binding]:
        environment = self.elaborator.environment
        for key in environment.keys():
            for binding in environment.all(key):
                if binding.kind not in ("definition", "function", "term") or binding.stepwise:
                    continue
                if environment.find(key, binding.font, item.place) is binding:
                    yield binding


def _value(r: Reader, binding: Binding) -> t.Term | None:
    from lemmata.elaborate.calls import call_function
    from lemmata.elaborate.derivatives import own_arguments

    if binding.kind == "function" and not binding.indices:
        return call_function(r, binding, own_arguments(r, binding), binding.latex)
    if binding.kind == "function":
        return None
    if binding.indices:
        whole = references.refer(r, binding)
        return t.Defined(whole.type, f"{binding.key}#{binding.uid}", binding.latex.split("_")[0], whole)
    return references.refer(r, binding)


def length(text: str) -> int:
    """How long a formula is to read: its symbols, without spaces, braces and the sizes of brackets."""
    import re

    tokens = re.findall(r"\\[A-Za-z]+|\\.|\S", text)
    silent = {"\\left", "\\right", "\\,", "\\;", "\\!", "\\:", "\\big", "\\Big", "\\bigl", "\\bigr", "\\quad", "{", "}"}
    fonts = {"\\mathbf", "\\boldsymbol", "\\mathrm", "\\operatorname", "\\mathsf", "\\displaystyle"}
    return sum(x not in silent and x not in fonts for x in tokens)
