"""Lowering for source: applications of other definitions stay calls, recurrences stay loops, names are remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate.reader import Recurrence
from lemmata.emit.members import Member
from lemmata.lower.lowering import Lowering
from lemmata.lower.value import Value, full, relabel
from lemmata.model.definitions import Symbol
from lemmata.program import build
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    from lemmata.emit.symbolic import Source

FEW = 3
"""Steps from which a recurrence over so many, a number, is a loop."""
Lookup = Callable[[t.Apply], "Source | None"]
"""The definition that is to be called for an application, if any."""


class Call(Struct, frozen=True):
    """An application of another definition: in the program an input on the axes of its value."""

    hole: Node
    callee: Source
    arguments: tuple[tuple[str, Value], ...]
    """By the name of the callee's symbol: its parameters, and the members of families that it is about."""
    free: tuple[Axis, ...]
    """Axes around the value, such as the heads: batch axes of the call."""
    axes: tuple[Axis, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(value for _, value in self.arguments)


class State(Struct):
    """What a loop carries from step to step."""

    family: str
    back: int
    """How many steps ago it was the member of its family."""
    latex: str
    before: Value
    """Inside of the loop, an input."""
    result: Value
    """After the loop, an input."""
    base: Value
    after: Value


class History(Struct):
    """The members of a family at every step of a loop, side by side."""

    result: Value
    axis: Axis
    family: str
    before: bool
    """From the first value on, rather than from the first step on."""


class Loop(Struct):
    """Recurrences followed together up to one step."""

    letter: str
    """The size that is the step inside of the loop."""
    start: int
    """The first step that is computed."""
    last: Size
    states: list[State] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    now: dict[str, Value] = field(default_factory=dict)
    """The members at the step, by family."""

    @property
    def steps(self) -> Size:
        return self.last - Size.of(self.start - 1)

    @property
    def results(self) -> list[Node]:
        return [*(s.result.node for s in self.states), *(h.result.node for h in self.histories)]

    @property
    def values(self) -> list[Value]:
        """What is computed before the loop and inside of it."""
        return [*(s.base for s in self.states), *(s.after for s in self.states)]


class Tracing(Lowering):
    """Lowering that keeps calls, loops, and the names of what is defined. Raises CannotLower."""

    def prepare(self, lookup: Lookup, letters: dict[str, int]) -> None:
        """`letters` are the values of steps, by the letter of their recurrence."""
        self.lookup, self.letters = lookup, letters
        self.holes: list[tuple[Node, Source, tuple[tuple[str, Value], ...], Value]] = []
        self.names: list[tuple[str, Node]] = []
        self.called: dict[object, Value] = {}
        self.loops: list[Loop] = []
        self.root: Tracing = self
        self.loop: Loop | None = None

    def _value(self, term: t.Term) -> Value:
        match term:
            case t.Deriv() | t.Expect() | t.Limit() | t.Held():
                return self.under({})._value(term)
            case t.Apply():
                callee = self.lookup(term)
                if callee is not None and not (self.loop is not None and callee.loops):
                    return self.call(term, callee)
            case t.Op(name="along steps"):
                return self.along(term)
        value = Lowering._value(self, term)
        if isinstance(term, t.Defined):
            value = full(value)
            stem, _, indices = term.key.partition("#")
            self.names.append((_all_of(stem) if "[" in indices else term.latex, value.node))
        return value

    def call(self, term: t.Apply, callee: Source) -> Value:
        """The value of a call, once for the same arguments; of vectors at matrices, for all rows at once."""
        inside = full(self.value(term.body))
        around = inside.axes[: len(inside.axes) - len(callee.axes)]
        given = {p.name: x for p, x in zip(callee.expression.parameters, (*term.indices, *term.args), strict=True)}
        arguments = []
        for symbol, _, axes in callee.inputs:
            member = callee.members.get(symbol.name)
            if member is not None:
                value = self.member_of(symbol, member, given)
            elif symbol.name in given:
                value = full(self.value(given[symbol.name]))
                if len(value.axes) > len(axes):
                    value = Value(relabel(value, (*around, *value.axes[len(around) :])).node, value.axes[len(around) :])
            else:
                continue
            arguments.append((symbol.name, value))
        key = (callee.function.definition.binding.uid, *((n, v.node.uid, v.axes) for n, v in arguments))
        if key not in self.called:
            hole = build.input(f"call {len(self.holes)} of {callee.function.name}", inside.node.axes, inside.node.dtype)
            self.called[key] = Value(hole, inside.axes)
            self.holes.append((hole, callee, tuple(arguments), Value(hole, inside.axes[len(around) :])))
        return self.called[key]

    def member_of(self, symbol: Symbol, member: Member, given: Mapping[str, t.Term]) -> Value:
        """The member of a family that a call is about."""
        value, _ = self.inputs[symbol.variable.key]
        for index, shift in member.places:
            place = build.binary("add", self.value(given[index]).node, build.constant(shift.at(self.root.sizes)))
            value = Value(build.take(value.node, value.axes[0], place), value.axes[1:])
        return value

    # --- recurrences ------------------------------------------------------------------------------------------------

    def unrolled(self, term: t.Unrolled) -> Value:
        index = term.index.substitute(self.solution)
        if self.loop is None or self.loop.letter not in index.atoms:
            return self.root.reached(term.family, index)
        back = (Size.of(self.loop.letter) - index).number
        if back is None or back < 0:
            raise CannotLower(f"a recurrence that leads to {term.latex} at the step {index}")
        return self.at_present(term.family) if not back else self.earlier(term.family, int(back))

    def reached(self, family: str, index: Size) -> Value:
        """A member at a step that no loop around it counts."""
        recurrence = self.recurrence(family)
        number = index.number
        if number is not None and number <= max(recurrence.bases, default=0) + FEW - 1:
            return self.member(family, int(number))
        loop = self.until(family, recurrence, index)
        found = next((s for s in loop.states if s.family == family and s.back == 1), None)
        if found is None:
            raise CannotLower(f"{recurrence.latex} does not lead to its next member")
        return found.result

    def recurrence(self, family: str) -> Recurrence:
        found = self.recurrences.get(family)
        if found is None:
            raise CannotLower("a recurrence whose definition could not be read")
        return found

    def until(self, family: str, recurrence: Recurrence, last: Size) -> Loop:
        """The loop that follows a family up to a step; one for all families that lead there together."""
        for loop in self.loops:
            if loop.last == last and family in loop.now:
                self.inside(loop).carried(family)
                return loop
        loop = Loop(recurrence.letter, max(recurrence.bases, default=0) + 1, last)
        inside = self.inside(loop)
        inside.carried(family)
        self.loops.append(loop)
        return loop

    def inside(self, loop: Loop) -> Tracing:
        """The state of lowering one step of a loop."""
        own = Tracing(
            {**self.sizes, loop.letter: self.letters[loop.letter]}, self.solution, self.recurrences, self.inputs,
            dict(self.axes), {}, self.overrides, self.depth + 1, self.exact, self.named_axes,
        )  # fmt: skip
        if own.depth > 400:
            raise CannotLower("a recurrence nested too deeply")
        own.lookup, own.letters, own.root, own.loop = self.lookup, self.letters, self.root, loop
        own.holes, own.names, own.loops, own.called = self.holes, self.names, self.loops, self.called
        return own

    def carried(self, family: str) -> None:
        """Has the loop carry the members of a family on, with all that they need."""
        self.earlier(family, 1)
        assert self.loop is not None
        for state in self.loop.states:  # grows on the way
            if state.back == 1:
                state.after = self.at_present(state.family)

    def earlier(self, family: str, back: int) -> Value:
        """The member so many steps before the one that the loop computes."""
        loop, recurrence = self.loop, self.recurrence(family)
        assert loop is not None
        for state in loop.states:
            if (state.family, state.back) == (family, back):
                return state.before
        if back > 1:
            self.earlier(family, back - 1)
        if loop.start - back not in recurrence.bases:
            raise CannotLower(f"the value of {recurrence.latex} at step {loop.start - back} is not said")
        kind = recurrence.body.type
        axes = tuple(self.root.new_axis(s) for s in kind.shape)
        label = f"{recurrence.latex} of loop {id(loop)}, {back} back"
        before, result = (Value(build.input(f"{label} {when}", axes), axes) for when in ("before", "after"))
        base = full(self.root._shaped(self.root.value(recurrence.bases[loop.start - back]), recurrence))
        newer = next((s.before for s in loop.states if (s.family, s.back) == (family, back - 1)), before)
        loop.states.append(State(family, back, recurrence.latex, before, result, base, newer))
        return before

    def at_present(self, family: str) -> Value:
        """The member at the step that the loop computes."""
        loop, recurrence = self.loop, self.recurrence(family)
        assert loop is not None
        if family not in loop.now:
            if recurrence.letter != loop.letter:
                raise CannotLower(f"recurrences over {loop.letter} and {recurrence.letter} that depend on each other")
            value = full(self.value(recurrence.body))
            stray = [a.label for a in value.node.axes if a not in value.axes]
            if stray:
                raise CannotLower(f"{recurrence.latex} holds for every {', '.join(stray)}: it is no single value")
            loop.now[family] = value
            self.names.append((family.split("#")[0], value.node))
        return loop.now[family]

    def along(self, term: t.Op) -> Value:
        """The members of a recurrence for all values of a running index."""
        marker, index = term.args
        assert isinstance(marker, t.Unrolled)
        shift = Size.of(0)
        match index:
            case t.Var(var=var):
                pass
            case t.Op(name="add" | "sub" as op, args=(t.Var(var=var), t.Num(value=value))):
                shift = Size.of(value if op == "add" else -value)
            case _:
                raise CannotLower("an index of a recurrence that is neither a step nor a running index")
        if self.loop is not None and self.loop.letter in (var.count + var.start).atoms:
            raise CannotLower("a recurrence over all steps so far")
        family, recurrence = marker.family, self.recurrence(marker.family)
        first = (var.start.substitute(self.solution) + shift).number
        start = max(recurrence.bases, default=0) + 1
        if first not in (start, start - 1):
            raise CannotLower(f"the members of {recurrence.latex} from step {var.start + shift} on")
        before = first == start - 1
        count = var.count.substitute(self.solution)
        loop = self.root.until(family, recurrence, count + Size.of(start - 1))
        axis = self.axis(var)
        state = next(s for s in loop.states if s.family == family and s.back == 1)
        for known in loop.histories:
            if (known.family, known.before) == (family, before):
                return Value(build.rename(known.result.node, {known.axis: axis}), known.result.axes)
        own = Axis.fresh(axis.label, axis.size)
        node = build.input(f"steps of {state.latex} of loop {id(loop)} {before}", (own, *state.before.axes))
        loop.histories.append(History(Value(node, state.before.axes), own, family, before))
        return Value(build.rename(node, {own: axis}), state.before.axes)


def _all_of(family: str) -> str:
    """A name for the members of a family, as one of them is called: heads for head_i."""
    return f"{family}_i" if len(family) > 1 else family
