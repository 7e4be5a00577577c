"""Two passes over the parts of a document: declarations first, then in order what each equation is."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.types import SCALAR
from lemmata.documents.model import Formula
from lemmata.elaborate import by_index, equations, side_conditions
from lemmata.elaborate import surface as s
from lemmata.elaborate.bounds import CONDITIONAL, DEFINING, declare_bound
from lemmata.elaborate.by_pattern import implied
from lemmata.elaborate.declarations import declare_member, declare_sizes, index_range, membership, number_of
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.first_values import entry, first_value, restates
from lemmata.elaborate.gaussians import speaks_of_laws
from lemmata.elaborate.heads import (
    Head,
    affine_like,
    fonts,
    has_decimals,
    has_value,
    head_of,
    in_numbers,
    mentions,
    one_of_several,
    ranks_differ,
    refers_to_itself,
    same_pattern,
    squared,
    uses_itself,
)
from lemmata.elaborate.joint_laws import DIVERGENCES
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader, Shared
from lemmata.elaborate.references import member, refer
from lemmata.elaborate.solver import Unreadable, is_unknown

COMPARISONS = frozenset({"<", "\\le", ">", "\\ge", "\\ne"})
SHARED = frozenset("tr Tr trace det rank vec diag log ln exp sin cos tan sinh cosh tanh max min".split())
"""Operators that all texts share: they are defined anew only where a sentence says so."""


class Item(Struct):
    """A part of a formula on its way to a statement."""

    formula: Formula
    part: s.Part
    place: Place
    cue: str = "none"
    withdrawn: bool = False
    conditional: tuple[int, ...] = ()
    """Formulas of the if, when and for-clauses that govern it."""
    approximate: bool = False
    limited: bool = False
    """An if or when in its sentence governs it."""
    reserved: bool = False
    """It may ask for what it says, or make it so: it is verified if it holds, and never refuted."""
    concluded: bool = False
    """It follows, as the words say, from premises that were all understood."""
    role: str = ""
    kind: str = ""
    reason: str = ""
    mistake: str = ""
    """What our own code failed with at this part."""
    claims: list[s.Relation] = field(default_factory=list)
    """What is to be judged: chains of the part's relations."""
    membership: tuple[s.Expr, s.Expr] | None = None
    equations: list[tuple[s.Expr, s.Expr]] = field(default_factory=list)
    """Of a condition: values that symbols take where it governs."""


class Roles(Struct):
    """Assigns roles and fills the environment."""

    shared: Shared
    letters: frozenset[str]
    items: list[Item] = field(default_factory=list)
    ranges: list[tuple[Place, dict[str, tuple[Size, Size]]]] = field(default_factory=list)
    size_equations: list[tuple[Item, Size, Size]] = field(default_factory=list)
    size_rules: list[tuple[Place, Size, str, Size]] = field(default_factory=list)
    parities: list[tuple[Place, Size, str, Size]] = field(default_factory=list)
    aliases: list[tuple[Place, Size, Size]] = field(default_factory=list)
    """Sizes that are the width of a declared matrix."""
    heads: list[tuple[str, str, Place]] = field(default_factory=list)
    """Left sides of equations, in order."""
    whole: set[tuple[str, Place]] = field(default_factory=set)
    """Left sides without an index."""
    functions: list[tuple[str, Place, str]] = field(default_factory=list)
    """Functions that equations give, f(x) = …, with the place and the body as written."""
    first_values: list[tuple[str, s.Expr, s.Expr, Place]] = field(default_factory=list)

    @property
    def environment(self) -> Environment:
        return self.shared.environment

    def reader(self, place: Place) -> Reader:
        return Reader(self.shared, place)

    def declare(self, item: Item) -> None:
        """First pass: memberships, ranges, signatures and bounds that declare."""
        expr = item.part.expr
        if isinstance(expr, s.Choice):
            expr = expr.options[0]
        if isinstance(expr, s.Listing):
            self._sequence(item, expr)
        if not isinstance(expr, s.Relation):
            return
        r = self.reader(item.place)
        self._note_head(item, expr)
        found = index_range(r, expr)
        if found is not None:
            self.ranges.append((item.place, found))
            item.role, item.kind = "declaration", "range"
            return
        try:
            self._declare(item, expr, r)
        except Unreadable as error:
            if item.role:
                item.reason = str(error)

    def _sequence(self, item: Item, expr: s.Listing) -> None:
        """g_1, g_2, … in the text: a sequence of numbers, however long."""
        names = [i for i in expr.items if isinstance(i, s.Name)]
        if len(names) < 2 or not isinstance(expr.items[-1], s.Mark) or expr.items[-1].name != "dots":
            return
        first = names[0]
        if any(stem(n) != stem(first) or not isinstance(n.sub, s.Num) or n.sup is not None for n in names):
            return
        if self.environment.find(stem(first), first.font, item.place) is None:
            letter = s.Name(first.start, first.end, "t")
            self.environment.add(
                Binding(stem(first), first.font, spell(first), "family", item.place, SCALAR, indices=(letter,))
            )

    def _note_head(self, item: Item, expr: s.Relation) -> None:
        """Remember what equations stand for, so that a later membership is a claim about it."""
        if expr.ops[0] in ("=", ":="):
            head = head_of(expr.items[0], self.letters, self.environment, item.place)
            if head is not None and head.params is not None:
                self.functions.append(
                    (head.key, item.place, item.formula.latex[expr.items[1].start : expr.items[1].end].strip())
                )
            elif head is not None:
                self.heads.append((head.key, head.font, item.place))
                if not head.indices:
                    self.whole.add((head.key, item.place))

    def has_equation(self, name: s.Expr, place: Place) -> bool:
        if not isinstance(name, s.Name):
            return False
        head = head_of(name, self.letters, self.environment, place)
        return head is not None and any(
            (k == head.key or self._ends(name, k) and (k, p) not in self.whole)
            and f == head.font
            and p.at < place.at
            and p.scopes == place.scopes[: len(p.scopes)]
            for k, f, p in self.heads
            if not head.indices or (k, p) not in self.whole
        )

    def _ends(self, name: s.Name, key: str) -> bool:
        """H_N where H_l is defined for l = 1, …, N: its last member."""
        if stem(name) != key or not isinstance(name.sub, s.Name) or name.sup is not None:
            return False
        last = Size.of(spell(name.sub))
        return any(start + count == last + Size.of(1) for _, found in self.ranges for start, count in found.values())

    def _declare(self, item: Item, expr: s.Relation, r: Reader) -> None:
        ops = expr.ops
        if ops[0] == ":" and len(expr.items) >= 3 and "\\to" in ops:
            self._signature(item, expr, r)
        elif ops[-1] == "\\in" and all(op == "\\in" for op in ops[:1]) and len(ops) == 1:
            if self.has_equation(expr.items[0], item.place):
                self._sizes_of_set(expr.items[1], r)
                item.role, item.kind = "", "membership"
                item.membership = (expr.items[0], expr.items[1])
            elif self._names_only(expr.items[0]):
                item.role, item.kind = "declaration", "membership"
                member = membership(r, expr.items[1])
                bound = declare_member(r, expr.items[0], member, self.ranges_at(item), self.letters)
                if not bound:
                    item.reason = f"{spell(expr.items[0])} cannot be declared"
                if any(b.domain.properties & {"finite"} for b in bound):
                    item.reason = ""
            else:
                self._sizes_of_set(expr.items[1], r)
        elif "\\in" in ops:
            self._sizes_of_set(expr.items[-1], r)
            equations.listed_matrix(self, item, expr, r)
        elif all(op in COMPARISONS for op in ops):
            declare_bound(self, item, expr, r)

    @staticmethod
    def _names_only(expr: s.Expr) -> bool:
        if isinstance(expr, s.Listing):
            return all(isinstance(i, s.Name | s.Mark) for i in expr.items)
        return isinstance(expr, s.Name) and not (
            isinstance(expr.sup, s.Mark | s.Sign) and spell(expr.sup) in ("⊤", "-1")
        )

    def _sizes_of_set(self, expr: s.Expr, r: Reader) -> None:
        try:
            membership(r, expr)
        except Unreadable:
            return

    def ranges_at(self, item: Item) -> dict[str, tuple[Size, Size]]:
        """Ranges of index letters that hold here: of the enclosing scopes, the same formula's last."""
        found: dict[str, tuple[Size, Size]] = {}
        for place, ranges in self.ranges:
            if place.scopes == item.place.scopes[: len(place.scopes)] or place.sentence == item.place.sentence:
                found.update(ranges)
        return found

    def complete_ranges(self) -> None:
        """W_l ∈ ℝ^{d×d} for l = 1, …, L: a range may stand behind the family in its sentence."""
        for key in self.environment.keys():
            for bound in self.environment.all(key):
                if bound.kind != "family" or not bound.declared or bound.place.sentence < 0:
                    continue
                missing = {spell(i) for i in bound.indices} - bound.ranges.keys()
                for place, ranges in self.ranges if missing else ():
                    if place.sentence == bound.place.sentence:
                        bound.ranges = {**{k: v for k, v in ranges.items() if k in missing}, **bound.ranges}

    def _signature(self, item: Item, expr: s.Relation, r: Reader) -> None:
        """f: ℝ^q → ℝ^p."""
        item.role, item.kind = "declaration", "signature"
        target = expr.items[0]
        source, result = expr.items[1], expr.items[-1]
        names = target.items if isinstance(target, s.Listing) else (target,)
        argument = membership(r, source).type
        value = membership(r, result).type
        for name in names:
            if isinstance(name, s.Name):
                key = stem(name) + (f"_{spell(name.sub)}" if name.sub is not None else "")
                self.environment.add(
                    Binding(key, name.font, spell(name), "abstract", item.place, value, argument_types=(argument,))
                )

    def assign(self, item: Item) -> None:
        """Second pass, in order: what this part is, and what it binds."""
        if item.role == "declaration" and item.kind != "membership":
            return
        expr = item.part.expr
        if isinstance(expr, s.Choice):
            expr = expr.options[0]
        if not isinstance(expr, s.Relation):
            item.role = "expression"
            return
        ops = expr.ops
        if item.kind == "membership":
            self._membership(item, expr)
        elif "\\leftarrow" in ops:
            item.role, item.kind = "update", "update"
        elif any(op in ("\\approx", "\\propto") for op in ops):
            item.role, item.kind = "approximation", "approximation"
        elif "\\sim" in ops:
            self._law(item, expr)
        elif any(
            op
            in (
                ":",
                "\\to",
                "\\mapsto",
                "\\notin",
                "\\subset",
                "\\implies",
                "\\iff",
                "\\ll",
                "\\gg",
                "\\perp",
                "\\succ",
                "\\succeq",
            )
            for op in ops
        ):
            self._property(item, expr)
        elif ops[-1] == "\\in":
            self._with_membership(item, expr)
        elif all(op in COMPARISONS for op in ops):
            indices = equations.tells_indices_apart(self, item, expr)
            given = equations.constrains(self, item, expr) or equations.restricts(self, item, expr)
            given = indices or given and not item.concluded
            item.role = "condition" if given or item.cue in CONDITIONAL else "claim"
            item.kind = "indices" if indices else "inequality"
            item.claims.append(expr)
        else:
            self._equation(item, expr)

    def _law(self, item: Item, expr: s.Relation) -> None:
        item.role, item.kind = "declaration", "law"

    def _property(self, item: Item, expr: s.Relation) -> None:
        item.role, item.kind = "declaration", "property"
        if expr.ops == ("\\succ",) and isinstance(expr.items[0], s.Name):
            binding = self.environment.find(stem(expr.items[0]), expr.items[0].font, item.place)
            if binding is not None and binding.kind == "variable":
                binding.domain = replace(binding.domain, properties=binding.domain.properties | {"positive definite"})
                return
        item.reason = f"{expr.ops[0]} is not read"

    def _membership(self, item: Item, expr: s.Relation) -> None:
        """A declaration unless the name has a value already: then its shape is claimed."""
        left = expr.items[0]
        if item.membership is not None:
            item.role, item.kind = "claim", "shape"
            return
        if isinstance(left, s.Name):
            head = head_of(left, self.letters, self.environment, item.place)
            bound = None if head is None else self._valued(head, item.place)
            if bound is not None and bound.kind == "definition":
                item.role, item.kind = "claim", "shape"
                item.membership = (left, expr.items[1])

    def _valued(self, head: Head, place: Place) -> Binding | None:
        found = [
            b
            for b in self.environment.all(head.key)
            if b.kind == "definition"
            and b.place.at < place.at
            and b.place.scopes == place.scopes[: len(b.place.scopes)]
        ]
        return max(found, key=lambda b: b.place.at) if found else None

    def _with_membership(self, item: Item, expr: s.Relation) -> None:
        """E = Q K^T ∈ ℝ^{n×m}: an equation whose last side's shape is claimed; XW ∈ ℝ^{n×m}: a shape."""
        item.membership = (expr.items[-2], expr.items[-1])
        if len(expr.ops) == 1:
            item.role, item.kind = "claim", "shape"
            return
        self._equation(item, replace(expr, ops=expr.ops[:-1], items=expr.items[:-1]))
        if item.role == "definition":
            self._complete(item, expr.items[0], expr.items[-1])

    def _complete(self, item: Item, head: s.Expr, target: s.Expr) -> None:
        """H = I - 11^⊤/n ∈ ℝ^{n×n}: sizes that the right side leaves open are those of the set."""
        name = head_of(head, self.letters, self.environment, item.place)
        made = [] if name is None else [b for b in self.environment.all(name.key) if b.place == item.place]
        if not made or made[-1].type is not None or made[-1].params or made[-1].indices:
            return
        binding = made[-1]
        r = self.reader(item.place)
        try:
            shape = [r.solver.size(x) for x in refer(r, binding).type.shape]
            wanted = membership(r, target).type
        except Unreadable:
            return
        finally:
            self.shared.values.clear()
        if len(shape) == wanted.rank and any(is_unknown(a) for x in shape for a in x.atoms):
            binding.type = wanted
            item.membership = None

    def _equation(self, item: Item, expr: s.Relation) -> None:
        if ":=" in expr.ops:
            first = expr.ops.index(":=")
            head = head_of(expr.items[first], self.letters, self.environment, item.place)
            if head is not None:
                self.define(item, head, expr.items[first + 1])
                self.rest(item, expr, first + 1)
                return
        if item.part.lead and not any(isinstance(n, s.Name) for n in walk(expr)):
            item.role = "expression"
            return
        if equations.tells_indices_apart(self, item, expr):
            item.role, item.kind = "condition", "indices"
            item.claims.append(expr)
            return
        if equations.instance(self, item, expr) or first_value(self, item, expr) or self._size_equation(item, expr):
            return
        if equations.diagonal_entries(self, item, expr):
            return
        if by_index.operation(self, item, expr) or equations.says_what_it_is(self, item, expr):
            return
        head = head_of(expr.items[0], self.letters, self.environment, item.place)
        if speaks_of_laws(self.shared.conventions, self.environment, expr, head, item.place):
            head = None
        if item.cue in CONDITIONAL and head is not None and self._replaces(item, head, expr):
            return
        if side_conditions.special_case(item, expr, self.environment):
            return
        if head is not None and equations.asked(self, item, head, expr):
            return
        if head is not None and expr.ops[0] in ("=", "\\equiv") and self._defines(item, head, expr.items[1]):
            if head.params is None and not head.indices and uses_itself(head, expr.items[1], self.environment):
                item.role, item.kind = "update", "update"
                return
            self.define(item, head, expr.items[1])
            self.rest(item, expr, 1)
            return
        square = squared(expr.items[0])
        if square is not None and self._defines_square(item, square, expr.items[1]):
            self.rest(item, expr, 1)
            return
        if item.cue in CONDITIONAL:
            item.role, item.kind = "condition", "equation"
            if len(expr.items) == 2:
                item.equations.append((expr.items[0], expr.items[1]))
            return
        if equations.constrains(self, item, expr):
            item.role, item.kind = "condition", "constraint"
            return
        if equations.standing(self, item, expr):
            return
        item.role, item.kind = "claim", "equation"
        item.claims.append(expr)

    def rest(self, item: Item, expr: s.Relation, start: int) -> None:
        """The further links of a chain that began with a definition are claims."""
        if len(expr.items) - start > 1:
            item.claims.append(replace(expr, ops=expr.ops[start:], items=expr.items[start:]))

    def _defines(self, item: Item, head: Head, body: s.Expr) -> bool:
        """The first equation whose head is unbound defines it; under “let …” a later one defines it anew."""
        place = item.place
        arity = None if head.params is None else len(head.params)
        before = self.environment.visible_before(head.key, head.font, place, arity)
        if head.params is not None:
            if before is None and implied(self.environment, head.name, place) is not None:
                return False
            if before is not None and before.kind not in ("function", "abstract"):
                # σ² = … is a variance; σ(x) = 1/(1+e^{-x}) after it is a function of the same letter.
                return (
                    all(p.sub is None and mentions(body, stem(p)) for p in head.params)
                    or before.kind == "definition"
                    and bool(before.indices)
                    and before.indices != head.indices
                )
            examples = item.cue != "claim" or has_decimals(body)
            if (
                examples
                and before is not None
                and before.kind == "function"
                and before.body is not None
                and in_numbers(before.body, before.params)
                and (in_numbers(body, head.params))
            ):
                return True
            if before is not None and before.kind == "function" and item.cue not in (*DEFINING, "named"):
                if one_of_several(self.functions, head.key, before.place, place):
                    return True
                if any(has_value(self.environment, p, place) for p in head.params):
                    return False
                if before.body is not None and any(
                    mentions(before.body, stem(p)) for p in head.params if p not in before.params
                ):
                    return False  # η(T) after η(t) = η_0 t / T is its value there
                return (
                    [spell(p) for p in before.params] != [spell(p) for p in head.params]
                    and fonts(before.params) == fonts(head.params)
                    and not any(mentions(body, head.key) for body in (body,))
                    or ranks_differ(before.params, head.params)
                )
            known = head.name.base.lstrip("\\") in SHARED and item.cue not in DEFINING
            return not (
                before is None and (known or mentions(body, head.key) and (head.name.word or head.key in DIVERGENCES))
            )
        if head.key in self.letters and not head.indices and before is None:
            return False
        if before is None and implied(self.environment, head.name, place) is not None:
            return False
        if before is None:
            base = self.environment.find(stem(head.name), head.font, place)
            if head.indices and base is not None and base.kind != "size" and base.key == head.key:
                return (
                    base.place.scopes != place.scopes[: len(base.place.scopes)]
                    or base.kind == "definition"
                    and base.place.at > place.at
                )
            return not entry(self, item, head, body)
        if before.kind == "size":
            return before.font != head.font or bool(head.indices)
        if before.kind in ("variable", "family"):
            if bool(before.indices) != bool(head.indices) and before.kind == "family":
                return not head.indices
            return item.cue != "claim" or not before.domain.properties & {"drawn"}
        if before.kind == "definition" and before.indices and not head.indices and head.name.sub is None:
            return True
        if before.kind == "definition" and before.place.scopes != place.scopes and not self._readable(before):
            return True
        if before.kind == "definition" and before.indices and head.indices and before.indices != head.indices:
            return not same_pattern(before.indices, head.indices) and not restates(self, item, before, head, body)
        if before.font != head.font and before.kind == "definition" and bool(before.indices) and not head.indices:
            return True
        return item.cue in DEFINING and before.kind in ("definition", "function")

    def _replaces(self, item: Item, head: Head, expr: s.Relation) -> bool:
        """“Suppose y = Xw + ε” with y declared before: y takes this value from here on."""
        bound = self.environment.visible_before(head.key, head.font, item.place)
        if bound is None and item.cue == "assume":
            bound = self.environment.find(head.key, head.font, item.place)
        if bound is None or head.params is not None or head.indices or bound.kind != "variable" or len(expr.items) != 2:
            return False
        used = any(
            b.kind in ("definition", "function") and b.body is not None and mentions(b.body, stem(head.name))
            for key in self.environment.keys()
            for b in self.environment.all(key)
            if b.place.at < item.place.at
        )
        if not used and item.cue == "assume":
            return False
        item.role, item.kind = "condition", "equation"
        item.equations.append((expr.items[0], expr.items[1]))
        return True

    def _readable(self, binding: Binding) -> bool:
        """Whether an earlier definition says anything: e_i = score(q, k_i) does not while score is undefined."""
        return self.rank(binding) is not None

    def rank(self, binding: Binding) -> int | None:
        """The number of axes of what a binding stands for, of a member for a family; None where it says nothing."""
        r = self.reader(binding.place)
        saved = dict(r.solver.solution)
        try:
            value = member(r, binding, binding.indices, None)[0] if binding.indices else refer(r, binding)
        except Unreadable:
            return None
        finally:
            r.solver.solution = saved
            self.shared.values.clear()
        return value.type.rank

    def define(self, item: Item, head: Head, body: s.Expr) -> None:
        item.role, item.kind = "definition", "definition"
        before = self.environment.visible_before(head.key, head.font, item.place)
        declared = None
        ranges = {
            k: v
            for k, v in self.ranges_at(item).items()
            if k in {stem(n) for i in head.indices for n in walk(i) if isinstance(n, s.Name)}
        }
        if head.params is None:
            declaration = self.environment.find(head.key, head.font, item.place)
            if declaration is not None and not head.indices and not _encloses(declaration.place, item.place):
                declaration = None  # the same letter in another section
            if declaration is not None and declaration.kind == "variable" and declaration.type is not None:
                if head.indices:
                    for index, size in zip(head.indices, declaration.type.shape, strict=False):
                        if isinstance(index, s.Name):
                            ranges.setdefault(
                                stem(index), (Size.of(0 if self.shared.conventions.zero_based else 1), size)
                            )
                else:
                    declared = declaration.type
            elif declaration is not None and declaration.kind == "family":
                declared = declaration.type
                ranges = {**declaration.ranges, **ranges}
        if (
            before is not None
            and before.kind == "definition"
            and before.indices
            and before.indices != head.indices
            and not same_pattern(before.indices, head.indices)
            and before.place.scopes == item.place.scopes
            and all(affine_like(i) for i in head.indices[-1:])
        ):
            before.clauses = (*before.clauses, (head.indices, body))
            return
        kind = "definition" if head.params is None else "function"
        binding = Binding(
            head.key,
            head.font,
            head.latex,
            kind,
            item.place,
            declared,
            body=body,
            params=head.params or (),
            separators=head.separators,
            indices=head.indices,
            ranges=ranges,
        )
        binding.restricted = bool(head.indices) and side_conditions.restricted(item, self.items)
        if self._confined(item):
            binding.only_in = item.place.sentence
        binding.stepwise = bool(head.indices) and len(head.indices) == 1 and refers_to_itself(binding, body)
        self.environment.add(binding)

    def _confined(self, item: Item) -> bool:
        """Whether an equation in an if, when or for-clause confines a definition to its sentence."""
        return any(
            other.formula.index in item.conditional
            and isinstance(other.part.expr, s.Relation)
            and set(other.part.expr.ops) == {"="}
            and other.role in ("condition", "instance")
            for other in self.items
        )

    def _defines_square(self, item: Item, name: s.Name, body: s.Expr) -> bool:
        """σ² = … with σ unbound: σ is the positive root."""
        bare = replace(name, sup=None)
        head = head_of(bare, self.letters, self.environment, item.place)
        if head is None or self.environment.visible_before(head.key, head.font, item.place) is not None:
            return False
        rooted = s.RootOf(body.start, body.end, body)
        self.define(item, head, rooted)
        return True

    def _size_equation(self, item: Item, expr: s.Relation) -> bool:
        """d_k = d/h, m = n, d = 512: sizes on both sides; t = 0 in passing is an instance too."""
        r = self.reader(item.place)
        head = expr.items[0]
        if (
            len(expr.items) == 2
            and isinstance(head, s.Name)
            and not item.formula.display
            and item.cue not in (*CONDITIONAL, *DEFINING)
            and number_of(expr.items[1]) is not None
            and not self.environment.all(stem(head))
            and head.sub is None
        ):
            item.role, item.kind = "instance", "instance"
            return True
        if not isinstance(head, s.Name) and item.cue not in CONDITIONAL:
            return False
        if isinstance(head, s.Name) and head.base == "d" and isinstance(head.sub, s.Name) and head.sup is None:
            for side in expr.items:
                if all(isinstance(n, s.Name | s.Num | s.Infix | s.Quotient | s.Juxt) for n in walk(side)):
                    declare_sizes(r, side)
        try:
            for side in expr.items:
                if not self._sizes_known(side, item.place):
                    return False
            sizes = [r.size(side) for side in expr.items]
        except Unreadable:
            return False
        if not sizes[0].atoms:
            return False
        if sizes[1].number is not None and item.cue not in CONDITIONAL:
            item.role, item.kind = "instance", "instance"
            return True
        item.role, item.kind = "condition", "size"
        for left, right in zip(sizes, sizes[1:], strict=False):
            self.size_equations.append((item, left, right))
        return True

    def _sizes_known(self, expr: s.Expr, place: Place) -> bool:
        skip: set[int] = set()
        for node in walk(expr):
            if id(node) in skip or not isinstance(node, s.Name):
                continue
            if node.sub is not None:
                skip.update(id(n) for n in walk(node.sub))
            key = stem(node) + (f"_{spell(node.sub)}" if node.sub is not None else "")
            bound = self.environment.find(key, node.font, place)
            if bound is None or bound.kind != "size":
                return False
        return True


def _encloses(outer: Place, inner: Place) -> bool:
    return outer.scopes == inner.scopes[: len(outer.scopes)]
