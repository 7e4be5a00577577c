"""Counting claims: what the words say is counted, the count from its description, and the comparison."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field

from lemmata.consistency.scalars import NoValue, number, show
from lemmata.consistency.survey import Confirmation, Contradiction
from lemmata.counting import asymptotic, geometry, words
from lemmata.counting.layers import LAYERS, options
from lemmata.counting.passage import DEPTH, Numbers, Passage, Unclear, assignment, dimensions, key, letters
from lemmata.counting.products import Product, products
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import spell, walk
from lemmata.elaborate.roles import Item
from lemmata.verify.verdict import Counterexample

DRAWS = 3
UNITS = ("parameters", "multiplications", "additions", "flops")
Outcome = Contradiction | Confirmation
Count = Callable[[Numbers], Any]


class Option(Struct, frozen=True):
    """One way to count: in words, whether the text says so, the count at given sizes."""

    words: str
    said: bool
    count: Count


class Judge(Struct):
    """Goes through the claims of one document in order."""

    elaboration: Elaboration
    counted: dict[str, str] = field(default_factory=dict)
    """What a letter counts, whatever its label: N_a and N_b count the same kind of thing."""
    judged: set[int] = field(default_factory=set)
    """Formulas that were found to be counts."""
    formed: dict[int, tuple[Passage, tuple[Product, ...]]] = field(default_factory=dict)
    """Products whose cost was spoken of last, by scope."""

    def examine(self, item: Item) -> Outcome | None:
        """The finding on one part of a formula, if it is a count that can be decided."""
        found = self._examined(item)
        if found is None:
            return None
        self.judged.add(item.formula.index)
        if isinstance(found, Contradiction) and not words.understood(Passage(self.elaboration, item).sentence.text):
            return None  # a word nobody understood may say what else is counted
        return found

    def _examined(self, item: Item) -> Outcome | None:
        expr = item.part.expr
        if isinstance(expr, s.Choice):
            expr = expr.options[0]
        sides = _sides(expr)
        if not sides or item.withdrawn or item.approximate or item.role in ("condition", "update", "approximation"):
            return None
        context = self.elaboration.context.formulas[item.formula.index]
        if context.foreign or any(h.kind in ("if", "when", "assume", "at", "limit") for h in context.hypotheses):
            return None
        passage = Passage(self.elaboration, item)
        try:
            order = asymptotic.bound(expr)
            if order is not None:
                return self._asymptotic(passage, expr, order)
            bound = geometry.described(passage)
            if bound is not None and not self._given(passage):
                return self._geometric(passage, expr, sides, bound)
            unit = self._unit(passage, expr)
            if unit is not None and self._given(passage):
                return None
            if unit is None or words.obstacle(self._text(passage)):
                return None
            found = self._parameters(passage) if unit == "parameters" else self._operations(passage, unit)
            if passage.leftover():
                return None
            return self._compared(passage, expr, sides, found, unit)
        except (Unclear, NoValue):
            return None

    def _given(self, passage: Passage) -> bool:
        """Whether an earlier sentence of the scope has an equation that is no count: it may say what is meant."""
        formulas = {f for x in passage.earlier for f in x.formulas} - self.judged
        return any(
            isinstance(i.part.expr, s.Relation) and "=" in i.part.expr.ops
            for i in self.elaboration.items
            if i.formula.index in formulas
        )

    def _text(self, passage: Passage) -> str:
        """What may say how to count: the sentence, its title and the sentences before it in its paragraph."""
        own = passage.sentence
        near = [x.text for x in passage.earlier if x.paragraph == own.paragraph]
        return "\n".join((passage.title, own.text, *near))

    def _unit(self, passage: Passage, expr: s.Expr) -> str | None:
        """What the claim counts, by the words next to it or by its letter."""
        before, after = passage.before, passage.after
        if not after.strip(" .。"):
            sentences = self.elaboration.context.sentences
            own = passage.sentence
            if own.id + 1 < len(sentences) and sentences[own.id + 1].scope == own.scope:
                after = sentences[own.id + 1].text
        said = [u for u in UNITS if words.says(f"unit_{u}_after", after) or words.says(f"unit_{u}_before", before)]
        if len(said) > 1:
            return None
        head = expr.items[0] if isinstance(expr, s.Relation) else None
        letter = head.base if isinstance(head, s.Name) else ""
        if said:
            if letter and self.counted.setdefault(letter, said[0]) != said[0]:
                self.counted[letter] = ""
            return said[0]
        if words.says("unit_other", before):
            return None
        if letter and isinstance(head, s.Name) and head.sub is not None and words.says("unit_total_before", before):
            return self.counted.get(letter) or None
        return None

    def _parameters(self, passage: Passage) -> list[Option]:
        text = passage.sentence.text
        replaced = words.find("substitution", text)
        if replaced:
            return [Option("", True, _matrices(passage, replaced[-1].chosen))]
        affine = _affine(passage)
        if affine is not None:
            return [Option("", True, affine)]
        kind, where = _layer(passage)
        layer = LAYERS[kind]
        exprs = {name: passage.sizes(f"size_{SOURCE.get(name, name)}") for name in layer.sizes}
        if any(e is None for e in exprs.values()):
            raise Unclear("a size of the layer is not given")
        if kind in ("attention", "block") and not _square(passage, exprs["width"]):
            raise Unclear("which projections belong to it is not said")
        biases, norms = self._biases(passage, where), "none" if words.says("norms_none", text) else ""
        return [
            Option(said, sure, lambda n, c=count: c({k: _size(n, k, e) for k, e in exprs.items() if e is not None}))  # type: ignore[misc]
            for said, sure, count in options(layer, biases, norms)
        ]

    def _biases(self, passage: Passage, where: str) -> str:
        sentences = self.elaboration.context.sentences
        conventions = " ".join(x.text for x in sentences if words.says("bias_all", x.text))
        own = passage.sentence
        if own.id + 1 < len(sentences):
            after = sentences[own.id + 1]
            if after.scope == own.scope and not words.layers(after.text) and words.says("bias_none", after.text):
                raise Unclear("biases are spoken of afterwards")
        for text in (own.text, where, conventions):
            said = [k for k in ("none", "one", "two") if words.says(f"bias_{k}", words.without(text, *_above(k)))]
            if len(said) > 1:
                raise Unclear("with biases and without")
            if said:
                return said[0]
            if words.says("mention_bias", text) and text != conventions:
                raise Unclear("biases are spoken of")
        return ""

    def _operations(self, passage: Passage, unit: str) -> list[Option]:
        formed = products(passage)
        if not formed:
            raise Unclear("no product is named")
        others = False
        for formula in passage.sentence.formulas:  # other counts of the same thing
            _before, _, after = passage.sentence.text.partition(f"⟦{formula}⟧")
            if any(words.says(f"unit_{u}_after", after) for u in UNITS):
                passage.used.add(formula)
                others = others or formula != passage.item.formula.index
        if others and len(words.find("evaluating", passage.sentence.text)) > 1:
            raise Unclear("several counts of several products")
        self.formed[passage.sentence.scope] = passage, formed
        if unit == "multiplications":
            return [Option("", True, _sum(formed, _multiplications))]
        if unit == "additions":
            return [Option("", True, _sum(formed, _additions))]
        defined = any(words.says("flop_definition", x.text) for x in self.elaboration.context.sentences)
        return [
            Option("one FLOP for each multiplication and each addition", defined, _sum(formed, _both)),
            Option("two FLOPs for each multiplication", False, _sum(formed, lambda n, p: 2 * _multiplications(n, p))),
            Option("one FLOP for each multiplication", False, _sum(formed, _multiplications)),
        ]

    def _asymptotic(self, passage: Passage, expr: s.Expr, order: s.Expr) -> Outcome | None:
        """O(…) of products that the sentence forms, or of a whole of which the products before it are a part."""
        if words.obstacle(self._text(passage)):
            return None
        whole = words.says("whole", passage.before)
        if whole:
            described, formed = self.formed.get(passage.sentence.scope, (passage, ()))
        elif words.says("unit_cost_before", passage.before):
            described, formed = passage, products(passage)
        else:
            return None
        if not formed or passage.leftover():
            return None
        names = [x for x in _described(described) if x not in described.declared()]
        if any(x not in names for x in letters(order)):
            return None
        count = _sum(formed, _multiplications)
        found = asymptotic.compared(count, order, names)
        if isinstance(found, Counterexample):
            reason = f"the products alone grow faster: {found.note}"
            return Contradiction(passage.item.formula, expr.start, expr.end, reason, "counting", found, (reason,))
        if found and not whole:
            said = "the multiplications of the products grow like this along every direction of the sizes tried"
            return Confirmation(passage.item.formula, expr.start, expr.end, "counting", (said,))
        return None

    def _compared(
        self, passage: Passage, expr: s.Expr, sides: tuple[s.Expr, ...], found: list[Option], unit: str
    ) -> Outcome | None:
        names = [x for x in _described(passage) if x not in passage.declared()]
        if any(x not in names for x in free(sides, _family(passage))) or not names:
            return None
        alive, example = list(found), None
        for draw in range(DRAWS):
            values = assignment(names, draw)
            numbers = _numbers(passage, values)
            claimed = [numbers.value(side) for side in sides]
            for option in list(alive):
                count = option.count(numbers)
                wrong = [c for c in claimed if not c.overlaps(count)]
                if wrong:
                    alive.remove(option)
                    if option is found[0]:
                        example = Counterexample(
                            sizes={k: int(v.unique_fmpz()) for k, v in values.items()},  # type: ignore[attr-defined]
                            left=show(wrong[0]),
                            right=show(count),
                            where="what is claimed, and what the description counts",
                        )
        return _outcome(passage.item, expr, alive, example, f"the {unit} that the text describes", found[0].words)

    def _geometric(
        self, passage: Passage, expr: s.Expr, sides: tuple[s.Expr, ...], bound: geometry.Window
    ) -> Outcome | None:
        if words.obstacle(self._text(passage)) or passage.leftover():
            return None
        names = bound.names()
        if any(x not in names for x in letters(*sides)):
            return None
        rounded = [n.kind for side in sides for n in walk(side) if isinstance(n, s.Floor)]
        if "ceil" in rounded:
            return None  # windows that reach over the end are counted by some
        rounds = bool(rounded)
        right, example = True, None
        for values in bound.draws(whole=not rounds):
            numbers = Numbers({k: number(v) for k, v in values.items()})
            expected = number(bound.size(values))
            for side in sides:
                claimed = numbers.value(side)
                if not claimed.overlaps(expected):
                    right = False
                    example = example or Counterexample(sizes=dict(values), left=show(claimed), right=show(expected))
        sure = rounds or bound.whole or not bound.stepped
        alive = [Option("the division leaves no remainder", sure, lambda n: 0)] if right else []
        return _outcome(passage.item, expr, alive, example, "the positions of the window", "")


SOURCE = {"area": "kernel"}


def _above(kind: str) -> tuple[str, ...]:
    """Lists whose matches must not be taken for this one."""
    return {"none": (), "one": ("bias_none", "bias_two"), "two": ("bias_none",)}[kind]


def _sides(expr: s.Expr) -> tuple[s.Expr, ...]:
    """What is claimed to be the count: all but the name of it."""
    if isinstance(expr, s.Relation):
        if any(op != "=" for op in expr.ops) or not isinstance(expr.items[0], s.Name):
            return ()
        return expr.items[1:]
    return (expr,) if isinstance(expr, s.Infix | s.Juxt | s.Name | s.Floor) else ()


def _layer(passage: Passage) -> tuple[str, str]:
    """The one kind of layer that is spoken of, and the sentence that names it. Raises Unclear."""
    for text in (passage.sentence.text, *(x.text for x in passage.earlier), passage.title):
        kinds = words.layers(text)
        parts = {p for k in kinds for p in LAYERS[k].contains}
        left = [k for k in kinds if k not in parts]
        if len(left) == 1:
            return left[0], text
        if left:
            break
    raise Unclear("no layer is named, or several are")


def _size(numbers: Numbers, name: str, expr: s.Expr) -> Any:
    if name == "widths":
        return _widths(numbers, expr)
    parts = dimensions(expr)
    if name == "area":
        if len(parts) != 2:
            raise Unclear("a kernel without two sides")
        return numbers.value(parts[0]) * numbers.value(parts[1])
    if len(parts) != 1:
        raise Unclear("a shape in place of a size")
    return numbers.value(parts[0])


def _ends(expr: s.Expr) -> tuple[s.Name, int, str]:
    """a_0, a_1, …, a_L: its letter, first index and the name of its last."""
    items = expr.items if isinstance(expr, s.Listing) else ()
    if len(items) >= 3 and any(isinstance(i, s.Mark) and i.name == "dots" for i in items):
        first, last = items[0], items[-1]
        if (
            isinstance(first, s.Name)
            and isinstance(last, s.Name)
            and first.base == last.base
            and isinstance(first.sub, s.Num)
            and isinstance(last.sub, s.Name)
        ):
            return first, int(first.sub.value), key(last.sub)
    raise Unclear("a list of widths that has no end")


def _widths(numbers: Numbers, expr: s.Expr) -> tuple[Any, ...]:
    name, first, last = _ends(expr)
    end = int(numbers.names[last].unique_fmpz())
    assert numbers.member is not None
    return tuple(numbers.member(key(name).split("_")[0], (i,)) for i in range(first, end + 1))


def _described(passage: Passage) -> list[str]:
    """Letters that the description of what is counted gives."""
    exprs = []
    for sentence in (passage.sentence, *passage.earlier):
        for formula in sentence.formulas:
            if formula == passage.item.formula.index:
                continue
            try:
                expr = passage.expression(formula)
            except Unclear:
                continue
            match expr:
                case s.Relation(ops=(*_, "\\in"), items=(*_, s.Const(sup=s.Expr() as shape))):
                    exprs.append(shape)
                case s.Relation():
                    continue
                case s.Listing():
                    try:
                        name, _, _last = _ends(expr)
                    except Unclear:
                        continue
                    exprs += [name, *(i.sub for i in expr.items if isinstance(i, s.Name) and isinstance(i.sub, s.Name))]
                case _:
                    exprs.append(expr)
    return letters(*exprs)


def _family(passage: Passage) -> str:
    """The letter of a sequence of widths, empty if there is none."""
    for sentence in (passage.sentence, *passage.earlier):
        for formula in sentence.formulas:
            try:
                return key(_ends(passage.expression(formula))[0]).split("_")[0]
            except Unclear:
                continue
    return ""


def free(sides: tuple[s.Expr, ...], family: str) -> list[str]:
    """Letters that need a value: no running letters of sums, no members of the family."""
    running = {
        key(n.lower.items[0])
        for side in sides
        for n in walk(side)
        if isinstance(n, s.Big) and isinstance(n.lower, s.Relation) and isinstance(n.lower.items[0], s.Name)
    }
    return [x for x in letters(*sides) if x not in running and not (family and x.startswith(f"{family}_"))]


def _numbers(passage: Passage, values: dict[str, Any]) -> Numbers:
    """The sizes; members of a sequence of widths get values too, and its last index is small."""
    for sentence in (passage.sentence, *passage.earlier):
        for formula in sentence.formulas:
            try:
                name, first, last = _ends(passage.expression(formula))
            except Unclear:
                continue
            values[last] = number(first + DEPTH)
            letter = key(name).split("_")[0]
            base = 3 + len(values)

            def member(
                stem: str, at: tuple[int, ...], letter: str = letter, first: int = first, base: int = base
            ) -> Any:
                if stem != letter or len(at) != 1 or not first <= at[0] <= first + DEPTH:
                    raise NoValue("no such member")
                return number((at[0] - first) ** 2 + 2 * at[0] + base)

            return Numbers(
                {k: v for k, v in values.items() if not re.match(rf"{re.escape(letter)}_\d", k)}, member=member
            )
    return Numbers(values)


def _matrices(passage: Passage, formula: int | None) -> Count:
    """The entries of all factors of a product."""
    if formula is None:
        raise Unclear("no product")
    passage.used.add(formula)
    shapes = passage.declared()
    product = passage.expression(formula)
    names = [n for n in product.items if isinstance(n, s.Name)] if isinstance(product, s.Juxt) else []
    if not isinstance(product, s.Juxt) or len(names) < len(product.items):
        raise Unclear("no product of matrices")
    plain = [s.Name(n.start, n.end, n.base, n.accents, n.font, n.word, n.sub) for n in names]
    if len(names) < 2 or not all(spell(n) in shapes for n in plain):
        raise Unclear("factors without shapes")
    for other in passage.sentence.formulas:
        expr = passage.expression(other)
        if isinstance(expr, s.Relation) and expr.ops == ("\\in",):
            passage.used.add(other)
    wanted = {spell(n): shapes[spell(n)] for n in plain}
    return lambda n: sum((_entries(n, shape) for shape in wanted.values()), number(0))


def _entries(numbers: Numbers, shape: tuple[s.Expr, ...]) -> Any:
    total = number(1)
    for size in shape:
        total = total * numbers.value(size)
    return total


def _affine(passage: Passage) -> Count | None:
    """y = Wx + c with the shapes of x and y given: W has the sizes of both, c that of y."""
    shapes = passage.declared()
    for formula in passage.sentence.formulas:
        expr = passage.expression(formula) if formula != passage.item.formula.index else None
        if not isinstance(expr, s.Relation) or expr.ops not in (("=",), ("=", "\\in")):
            continue
        head, body = expr.items[0], expr.items[1]
        terms = body.items if isinstance(body, s.Infix) and set(body.ops) == {"+"} else (body,)
        if not isinstance(head, s.Name) or spell(head) not in shapes or len(shapes[spell(head)]) != 1:
            raise Unclear("an output without a size")
        (out,) = shapes[spell(head)]
        count: list[tuple[s.Expr, ...]] = []
        inputs: set[str] = set()
        added: set[str] = set()
        for term in terms:
            match term:
                case s.Juxt(items=(s.Name() as weight, s.Name() as x)) if len(shapes.get(spell(x), ())) == 1 and (
                    weight.base.isupper() or spell(weight) in shapes
                ):
                    count.append(shapes.get(spell(weight), (out, *shapes[spell(x)])))
                    inputs.add(spell(x))
                case s.Name():
                    count.append(shapes.get(spell(term), (out,)))
                    added.add(spell(term))
                case _:
                    raise Unclear("a layer of another form")
        if not inputs or inputs & added:
            raise Unclear("an input that is added")
        for other in passage.sentence.formulas:
            part = passage.expression(other)
            if other == formula or isinstance(part, s.Relation) and part.ops == ("\\in",):
                passage.used.add(other)
        return lambda n: sum((_entries(n, shape) for shape in count), number(0))
    return None


def _square(passage: Passage, width: s.Expr | None) -> bool:
    """Whether four projections are declared, square of the width."""
    for formula in passage.sentence.formulas:
        expr = passage.expression(formula)
        if isinstance(expr, s.Relation) and expr.ops == ("\\in",):
            shapes = list(_declared(expr, passage))
            if len(shapes) == 4 and all(len(x) == 2 and spell(x[0]) == spell(x[1]) == spell(width) for x in shapes):
                passage.used.add(formula)
                return True
    return False


def _declared(expr: s.Relation, passage: Passage) -> Iterator[tuple[s.Expr, ...]]:
    shapes = passage.declared()
    head = expr.items[0]
    for name in head.items if isinstance(head, s.Listing) else (head,):
        yield shapes.get(spell(name), ())


def _multiplications(n: Numbers, p: Product) -> Any:
    return _entries(n, (*p.rows, p.inner, *p.columns))


def _additions(n: Numbers, p: Product) -> Any:
    return _entries(n, (*p.rows, *p.columns)) * (n.value(p.inner) - 1)


def _both(n: Numbers, p: Product) -> Any:
    return _multiplications(n, p) + _additions(n, p)


def _sum(formed: tuple[Product, ...], cost: Callable[[Numbers, Product], Any]) -> Count:
    return lambda n: sum((cost(n, p) for p in formed), number(0))


def _outcome(
    item: Item, expr: s.Expr, alive: list[Option], example: Counterexample | None, what: str, how: str
) -> Outcome | None:
    if any(option.said for option in alive):
        option = next(o for o in alive if o.said)
        said = f"equal to {what}{', ' + option.words if option.words else ''}, at {DRAWS} assignments of sizes"
        return Confirmation(item.formula, expr.start, expr.end, "counting", (said,))
    if alive or example is None:
        return None
    reason = f"this is not {what}{', ' + how if how else ''}"
    return Contradiction(item.formula, expr.start, expr.end, reason, "counting", example, (reason,))
