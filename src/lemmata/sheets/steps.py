"""A definition at small sizes as named steps: which values of its program get a block of cells of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.elaborate.names import spell
from lemmata.lower.lowering import Lowering
from lemmata.model.definitions import Definition, Expression, Symbol
from lemmata.model.function import Program
from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node
from lemmata.sheets.titles import Printer, plain, with_index
from lemmata.sheets.words import explain

ELEMENTWISE = build.UNARY | build.ARITHMETIC | build.COMPARISON | build.LOGIC | {"select"}
CONDITIONS = build.COMPARISON | build.LOGIC | {"not_"}
MOVED = frozenset({"constant", "special", "iota", "rename", "broadcast", "diagonal", "call"})
"""What never has cells of its own: numbers, and other names for cells."""


class NoSheet(ValueError):
    """A definition that has no form as a spreadsheet, and why; `line` is that of the step, 0 where it is none."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


class Section(Struct, frozen=True, eq=False):
    """Steps that one definition of the document asks for, or one call of it."""

    printer: Printer
    what: t.Term | str
    line: int

    def title(self, places: Mapping[int, int]) -> str:
        """Its name, with the values that indices have here."""
        return _spelled(self.printer, self.what, places)


class Scope(Struct, frozen=True):
    """Where in the document's definitions a term stands."""

    printer: Printer
    section: Section


class Mark(Struct):
    """What a node is in the author's words: the same value may be an operation, an argument and a definition."""

    axes: tuple[Axis, ...]
    section: Section
    row: bool = False
    names: list[tuple[Printer, t.Term | str]] = field(default_factory=list)
    """Innermost first."""
    named: bool = False


class Step(Struct, frozen=True):
    """A value with cells of its own: a matrix, vector or number for every index along `outer`."""

    node: Node
    rows: Axis | None
    columns: Axis | None
    outer: tuple[Axis, ...]
    role: str
    """`input`, `step` or `result`."""
    section: Section

    @property
    def shape(self) -> tuple[int, int]:
        return (self.rows.size if self.rows else 1, self.columns.size if self.columns else 1)

    @property
    def size(self) -> int:
        total = self.shape[0] * self.shape[1]
        for axis in self.outer:
            total *= axis.size
        return total


class Plan(Struct):
    """The steps of a definition in the author's order, inputs first."""

    program: Program
    steps: list[Step]
    marks: Mapping[int, Mark]
    counters: Mapping[Axis, tuple[int, int]]
    """Index variables by the axis that they became: uid and first value."""
    latex: Mapping[str, str]
    """The author's writing of the inputs."""
    origins: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The author's first index of each axis of an input, where members of it are named."""
    head: str = ""
    """What is defined, where the author's expression does not say it."""

    def places(self, where: Mapping[Axis, int]) -> dict[int, int]:
        """The author's numbers of index variables, by uid, at outer indices."""
        return {self.counters[a][0]: self.counters[a][1] + i for a, i in where.items() if a in self.counters}

    def _letter(self, node: Node) -> str:
        """An input in the author's writing."""
        return plain(self.latex.get(node.attr("name"), node.attr("name")))

    def first(self, step: Step, axis: Axis) -> int:
        """The author's number of the first row or column."""
        if step.node.op == "input":
            return self._origin(step.node, axis)
        return self.counters[axis][1] if axis in self.counters else 1

    def _origin(self, node: Node, axis: Axis) -> int:
        origins = self.origins.get(node.attr("name"), ())
        place = node.axes.index(axis)
        return origins[place] if place < len(origins) else 1

    def title(self, step: Step, where: Mapping[Axis, int]) -> str:
        """What the block of cells at these outer indices holds."""
        if step.node.op == "input":
            text = self._letter(step.node)
            for axis in step.outer:
                text = with_index(text, str(where[axis] + self._origin(step.node, axis)))
            return text
        places = self.places(where)
        mark = self.marks.get(step.node.uid)
        texts = [] if mark is None else [_spelled(p, x, places) for p, x in mark.names]
        if step.role == "result" and self.head:
            texts.append(self.head)
        outermost = texts[-1] if texts else ""
        inner = texts[0] if len(texts) > 1 else ""

        def known(node: Node) -> str:
            other = self.marks.get(node.uid)
            if node.op == "input":
                return self._letter(node)
            if node.op == "take" and other is None and base(node.args[0]).op == "input":
                source, place = base(node.args[0]), build.literal(node.args[1])
                if isinstance(place, int):
                    return with_index(self._letter(source), str(place + self._origin(source, node.attr("axis"))))
            return _spelled(*other.names[-1], places) if other is not None else ""

        own = explain(step.node, step.rows, step.columns, known, {s.node.uid: s for s in self.steps})
        if mark is not None and _spelled_out(mark):
            own = ""
        return " = ".join(dict.fromkeys(x for x in (outermost, inner, own) if x))


def _spelled(printer: Printer, what: t.Term | str, places: Mapping[int, int]) -> str:
    printer = replace(printer, places={**printer.places, **places})
    return what if isinstance(what, str) else printer.text(what)


def _spelled_out(mark: Mark) -> bool:
    """Whether the author's own operation says all of it, not the name of one of the catalogue."""
    term = mark.names[0][1]
    from lemmata.lower.operations import ALONG_AXIS, CATALOGUE

    return not isinstance(term, str) and not (isinstance(term, t.Op) and term.name in ALONG_AXIS | CATALOGUE)


def base(node: Node) -> Node:
    """A call of the catalogue as what it is made of."""
    while node.op == "call":
        node = node.args[-1]
    return node


def is_mean(node: Node) -> bool:
    """Whether it is a sum divided by the number of its terms."""
    if node.op != "div" or base(node.args[0]).op not in ("sum", "contract"):
        return False
    count = 1
    for axis in base(node.args[0]).attr("over"):
        count *= axis.size
    return build.literal(node.args[1]) == count


def plan(
    definition: Definition,
    expression: Expression,
    program: Program,
    low: Lowering,
    others: Sequence[Definition],
) -> Plan:
    """The steps of a definition. Raises NoSheet where it has no form as cells."""
    visitor = _Visitor(low, {f"#{d.binding.uid}": d for d in others}, others)
    whole = Section(Printer(), plain(definition.name), definition.line)
    heads = {
        f"#{d.binding.uid}": (plain(d.binding.key), tuple(plain(spell(i)) for i in d.binding.indices))
        for d in others
        if d.binding.indices
    }
    scope = Scope(Printer(heads=heads), whole)
    for term in visitor.defined(expression.term):
        visitor.visit(term, scope)
    visitor.visit(expression.term, scope)
    visitor.steps_of_recurrences(scope)
    output = base(program.output)
    if output.op == "input":
        raise NoSheet(f"nothing is computed: it is {output.attr('name')} itself", definition.line)
    reachable = {n.uid: n for n in nodes(output)}
    roots = [n for n in visitor.order if n.uid in reachable] + [output]
    shown = _Shown(visitor.marks, output, program, reachable)
    steps: list[Step] = []
    seen: set[int] = set()
    for root in roots:
        mark = visitor.marks.get(root.uid)
        section = mark.section if mark is not None else whole
        for node in nodes(root):
            if node.uid in seen:
                continue
            seen.add(node.uid)
            if node is output or shown.has_cells(node):
                own = visitor.marks.get(node.uid)
                steps.append(shown.step(node, own.section if own is not None else section))
    steps = [s for s in steps if s.role == "input"] + [s for s in steps if s.role != "input"]
    position = {name: k for k, name in enumerate(_in_order(expression))}
    steps.sort(key=lambda s: position[s.node.attr("name")] if s.role == "input" else len(position))
    counters = {low.axes[uid]: (uid, first) for uid, first in visitor.counters.items() if uid in low.axes}
    latex = {x.name: x.latex for x in expression.symbols}
    head = "" if isinstance(expression.term, t.Apply | t.Defined) else _head(definition)
    return Plan(program, steps, visitor.marks, counters, latex, _origins(expression), head)


def _origins(expression: Expression) -> dict[str, tuple[int, ...]]:
    """By the name of an input, where its members are named by index."""
    names = {x.variable.key: x.name for x in expression.symbols}
    found: dict[str, tuple[int, ...]] = {}
    for term in t.walk((expression.term, *(r.body for r in expression.recurrences.values()))):
        if isinstance(term, t.Item) and isinstance(term.base, t.Input) and term.base.variable.key in names:
            found.setdefault(names[term.base.variable.key], tuple(term.origins))
    return found


def _head(definition: Definition) -> str:
    name = plain(definition.binding.key)
    letters = [plain(spell(i)) for i in definition.binding.indices]
    return with_index(name, ("" if all(len(x) == 1 for x in letters) else ", ").join(letters)) if letters else name


def _in_order(expression: Expression) -> list[str]:
    """Names of the inputs: parameters, then weights as the document declares them, the number of their keys says."""

    def declared(symbol: Symbol) -> tuple[bool, int]:
        number = symbol.variable.key.rpartition("#")[2]
        return (not number.isdigit(), int(number) if number.isdigit() else 0)

    return [x.name for x in (*expression.parameters, *sorted(expression.free, key=declared))]


class _Visitor:
    """Walks the author's expression in the order of evaluation and notes what each value is called."""

    def __init__(self, low: Lowering, by_uid: Mapping[str, Definition], others: Sequence[Definition]) -> None:
        self.low = low
        self.by_uid = by_uid
        self.by_name = {d.binding.latex: d for d in others} | {d.name: d for d in others}
        self.marks: dict[int, Mark] = {}
        self.order: list[Node] = []
        self.counters: dict[int, int] = {}
        self._seen: set[int] = set()

    def defined(self, whole: t.Term) -> list[t.Term]:
        """Definitions that it uses as they stand, not as a member of a family or inside a call, as the document has
        them."""
        found: list[tuple[int, t.Term]] = []
        stack, seen = [whole.body if isinstance(whole, t.Apply | t.Defined) else whole], {id(whole)}
        while stack:
            term = stack.pop()
            if id(term) in seen:
                continue
            seen.add(id(term))
            inner = term.body if isinstance(term, t.Build) else term
            if isinstance(inner, t.Defined) and (inner is not term or "[" not in inner.key):
                definition = self.by_uid.get("#" + inner.key.partition("[")[0].rpartition("#")[2])
                if definition is not None:
                    found.append((definition.binding.place.at, term))
            stack += term.args if isinstance(term, t.Apply) else t.subterms(term)
        return [term for _, term in sorted(found, key=lambda pair: pair[0])]

    def visit(self, term: t.Term, scope: Scope) -> None:
        if id(term) in self._seen:
            return
        self._seen.add(id(term))
        match term:
            case t.Defined(key=key, body=body):
                definition = self.by_uid.get("#" + key.rpartition("#")[2].partition("[")[0])
                self.visit(body, self._inside(scope, definition, term))
                self.mark(term, scope, named=True)
                return
            case t.Apply(name=name, args=args, body=body):
                self._call(term, name, args, body, scope)
                return
            case t.Stacked() | t.Build() | t.Reduce():
                every = term.vars if not isinstance(term, t.Stacked) else (term.var,)
                for v in every:
                    first = v.start.number
                    self.counters[v.uid] = int(first) if first is not None else 1
        for part in t.subterms(term):
            self.visit(part, scope)
        self.mark(term, scope)

    def steps_of_recurrences(self, scope: Scope) -> None:
        """Members of recurrences, the first step first: h_1, h_2, …"""
        members = [(k, v) for k, v in self.low.memo.items() if isinstance(k, str) and k.endswith("]")]
        named = [(int(k[:-1].rpartition("[")[2]), k.partition("#")[0], v) for k, v in members]
        for step, name, value in sorted(named, key=lambda member: member[0]):
            node = base(value.node)
            if node.op in MOVED or node.op == "input":
                continue
            mark = self.marks.get(node.uid)
            if mark is None:
                mark = self.marks[node.uid] = Mark(value.axes, scope.section)
                self.order.append(node)
            else:
                self.order.remove(node)
                self.order.append(node)
            mark.names.insert(0, (scope.printer, with_index(plain(name), str(step))))
            mark.named = True

    def _call(self, term: t.Apply, name: str, args: tuple[t.Term, ...], body: t.Term, scope: Scope) -> None:
        definition = self.by_name.get(name)
        names = dict(scope.printer.names)
        parameters = definition.parameters if definition is not None else ()
        for argument, parameter in zip(args, parameters[-len(args) :] if args else ()):
            self.visit(argument, scope)
            if not isinstance(argument, t.Input | t.Defined | t.Num | t.SizeNum | t.Var):
                names[id(argument)] = plain(parameter)
                self._named(argument, plain(parameter), scope)
        inner = self._inside(scope, definition, term)
        self.visit(body, Scope(replace(scope.printer, names=names), inner.section))
        self.mark(term, scope, named=True)

    @staticmethod
    def _inside(scope: Scope, definition: Definition | None, term: t.Term) -> Scope:
        if definition is None:
            return scope
        return Scope(scope.printer, Section(scope.printer, term, definition.line))

    def mark(self, term: t.Term, scope: Scope, named: bool = False) -> None:
        found = self._mark(term, scope)
        if found is None:
            return
        if named or not found.names:
            found.names.append((scope.printer, term))
        found.named |= named

    def _named(self, term: t.Term, name: str, scope: Scope) -> None:
        found = self._mark(term, scope)
        if found is not None:
            found.names.append((scope.printer, name))
            found.named = True

    def _mark(self, term: t.Term, scope: Scope) -> Mark | None:
        value = self.low.memo.get(id(term))
        if value is None or term.type.dtype == "bool":
            return None
        node = base(value.node)
        if node.op in MOVED or node.op == "input":
            return None
        found = self.marks.get(node.uid)
        if found is None:
            found = self.marks[node.uid] = Mark(value.axes, scope.section, term.type.row)
            self.order.append(node)
        elif len(value.axes) > len(found.axes):
            found.axes, found.row = value.axes, term.type.row
        return found


class _Shown:
    """Decides which nodes have cells, and how they lie."""

    def __init__(
        self, marks: Mapping[int, Mark], output: Node, program: Program, reachable: Mapping[int, Node]
    ) -> None:
        self.marks, self.output, self.program = marks, output, program
        self.users: dict[int, list[Node]] = {}
        self.live: set[int] = set()
        """Nodes that depend on an input."""
        for node in reachable.values():
            if node.op == "call":
                continue
            if node.op == "input" or any(base(a).uid in self.live for a in node.args):
                self.live.add(node.uid)
            for argument in {base(a).uid: base(a) for a in node.args}.values():
                self.users.setdefault(argument.uid, []).append(node)
        self.orders: dict[int, tuple[Axis, ...]] = {}
        for node in reachable.values():
            if node.op != "call":
                self.orders[node.uid] = self._order(node)
        self.family = self._family(reachable)
        self.sides = self._sides(reachable)

    def has_cells(self, node: Node) -> bool:
        if node.op == "input":
            return True
        if node.op in MOVED or node.op in CONDITIONS or node.dtype == "bool":
            return False
        if node.op == "take" and base(node.args[1]).uid not in self.live:
            return False
        mark, users = self.marks.get(node.uid), self.users.get(node.uid, [])
        named = mark is not None and mark.named
        rank = len(node.axes)
        if node.uid not in self.live:
            return named and rank > 0 or (rank > 1 and any(u.uid in self.live for u in users))
        if named:
            return True
        if rank == 0 and node.op in ELEMENTWISE and all(base(a).op in ("input", "constant") for a in node.args):
            return False
        if len(users) > 1 and node.op != "neg":
            return True
        user = users[0] if users else None
        if node.op not in ELEMENTWISE:
            shared = user is not None and user.uid not in self.marks and mark is None and is_mean(user)
            return not shared
        if user is None:
            return True
        if rank == 0 or mark is None or node.op == "neg":
            return user.op not in ELEMENTWISE or rank > 0 and is_mean(node)
        if node.op in ("add", "sub") and user.op in ("add", "sub"):
            return False
        return not (node.op == "mul" and user.op in ("add", "sub") and self._scaled_letter(node))

    def _scaled_letter(self, node: Node) -> bool:
        """A letter times a number, such as β m: part of the sum that it stands in."""
        parts = [base(a) for a in node.args]
        letters = [p for p in parts if p.axes]
        return len(letters) == 1 and (
            letters[0].op == "input" or letters[0].uid in self.marks and self.marks[letters[0].uid].named
        )

    def step(self, node: Node, section: Section) -> Step:
        """Raises NoSheet."""
        outer, rest = self._parted(node)
        if len([a for a in outer if a not in self.family]) > (2 if node.op == "input" else 1):
            raise NoSheet(
                f"a value with {len(node.axes)} axes has no place on a sheet, which has rows and columns, "
                "and one block for each head",
                section.line,
            )
        rows: Axis | None = None
        columns: Axis | None = None
        if len(rest) == 2:
            rows, columns = rest
        elif len(rest) == 1:
            rows, columns = (None, rest[0]) if self.sides.get(rest[0]) == 1 else (rest[0], None)
        role = "input" if node.op == "input" else "result" if node is self.output else "step"
        return Step(node, rows, columns, outer, role, section)

    def _order(self, node: Node) -> tuple[Axis, ...]:
        if node is self.output:
            return self.program.axes
        mark = self.marks.get(node.uid)
        if node.op == "input":
            return node.axes
        if mark is not None:
            positional = [a for a in mark.axes if a in node.axes]
            if len(positional) + 1 >= len(node.axes) or len(positional) >= 2:
                return (*(a for a in node.axes if a not in positional), *positional)
        if node.op == "rename":
            mapping: dict[Axis, Axis] = dict(node.attr("mapping"))
            return tuple(mapping.get(a, a) for a in self.orders[base(node.args[0]).uid])
        parts = sorted((self.orders[base(a).uid] for a in node.args), key=len, reverse=True)
        return tuple(dict.fromkeys([a for p in parts for a in p if a in node.axes] + list(node.axes)))

    def _family(self, reachable: Mapping[int, Node]) -> frozenset[Axis]:
        """Axes of indices around whole matrices: i in head_i."""
        found: set[Axis] = set()
        for uid, mark in self.marks.items():
            node = reachable.get(uid)
            if node is not None and len([a for a in mark.axes if a in node.axes]) == 2:
                found |= set(node.axes) - set(mark.axes)
        return frozenset(found)

    def _parted(self, node: Node) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
        order = self.orders[node.uid]
        outer = tuple(a for a in order if a in self.family)
        rest = tuple(a for a in order if a not in self.family)
        return (*outer, *rest[:-2]), rest[-2:]

    def _sides(self, reachable: Mapping[int, Node]) -> dict[Axis, int]:
        """Whether a vector lies down the rows (0) or across the columns (1), from the matrices that it meets."""
        found: dict[Axis, int] = {}
        for mark in self.marks.values():
            if mark.row and len(mark.axes) == 1:
                found[mark.axes[0]] = 1
        for node in reachable.values():
            if node.op == "call" or node.uid not in self.orders:
                continue
            own = self._parted(node)[1]
            parts = [(base(a), self._parted(base(a))[1]) for a in node.args]
            if node.op in ELEMENTWISE and len(own) == 2:
                for _, rest in parts:
                    if len(rest) == 1 and rest[0] in own:
                        found.setdefault(rest[0], own.index(rest[0]))
            elif len(own) == 1:
                for _, rest in parts:
                    if len(rest) == 2 and own[0] in rest:
                        found.setdefault(own[0], rest.index(own[0]))
            if node.op == "contract":
                matrices = [rest for _, rest in parts if len(rest) == 2]
                for _, rest in parts:
                    for matrix in matrices:
                        if len(rest) == 1 and rest[0] in matrix and rest[0] in node.attr("over"):
                            found.setdefault(rest[0], 1 - matrix.index(rest[0]))
        for node in reachable.values():
            if node.op == "rename":
                for old, new in node.attr("mapping"):
                    if new in found:
                        found.setdefault(old, found[new])
                    elif old in found:
                        found[new] = found[old]
        return found
