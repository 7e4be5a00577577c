"""Recurrences as loops: what they carry under the author's name, one statement for each step's new values."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.core.size import Size
from lemmata.emit.expression import ATOM, Expr
from lemmata.emit.names import identifier
from lemmata.emit.sheet import Sheet, holds
from lemmata.emit.tracing import History, Loop, State
from lemmata.program.graph import ordered

COUNTERS = {"l": "depth", "ell": "depth"}
"""Letters that a linter takes for digits, by the name of the variable."""


class Loops(Sheet):
    """The loops of a program."""

    def loop(self, loop: Loop) -> None:
        """The statements of a loop, and the values after it."""
        body = self.bodies[id(loop)]
        batched = self.with_batches(loop)
        names = self.begun(loop, batched)
        letter = identifier(loop.letter, "step")
        counter = self.names.new(COUNTERS.get(letter, letter))
        count, _ = self.size_of(loop.steps, True)
        around, self.steps = self.steps, {**self.steps, loop.letter: Size.of(f"step {counter}") + Size.of(loop.start)}
        self.size_names[f"step {counter}"] = counter
        self.size_names[loop.letter] = f"({counter} + {loop.start})" if loop.start else counter
        lists = [self.names.new(f"{name}_steps") for name in (self.name_of(h, names, loop) for h in loop.histories)]
        outer, self.lines, above = self.lines, [], self.above
        self.above = outer if above is None else above
        self.run(body.order)
        self.finished(loop, names, lists)
        inner, self.lines, self.above, self.steps = self.lines, outer, above, around
        used = any(holds(line, counter) for line in inner)
        indented = [f"    {line}" for line in inner]
        self.carried |= {line for line in indented if line.strip() in self.carried}
        self.needs(*(f"{name} = []" for name in lists), f"for {counter if used else '_'} in range({count}):")
        self.lines += indented
        for state, name in zip(loop.states, names, strict=True):
            self.done[state.result.node.uid] = Expr(name, ATOM, state.result.axes, batched)
        for history, name in zip(loop.histories, lists, strict=True):
            text = self.d.listed(name, -len(history.result.axes) - 1)
            found = Expr(text, ATOM, (history.axis, *history.result.axes), batched)
            self.done[history.result.node.uid] = self.assign(name.removesuffix("_steps") + "_all", found)

    def begun(self, loop: Loop, batched: bool) -> list[str]:
        """The first values, under the names of what the loop carries."""
        names = []
        for state in loop.states:
            first = self.exactly(self.done[state.base.node.uid], state.base.axes)
            name = self.names.new(self.carrier(state))
            self.needs(f"{name} = {self.fitted(first.text, self.room - len(f'    {name} = '))}")
            self.tensors.add(name)
            names.append(name)
            self.done[state.before.node.uid] = Expr(name, ATOM, state.before.axes, batched)
        return names

    def finished(self, loop: Loop, names: Sequence[str], lists: Sequence[str]) -> None:
        """What the next step begins with, and what is kept of this one."""
        values = []
        room = self.room - len("    ") - sum(len(name) + 5 for name in names)
        for state in loop.states:
            value = self.exactly(self.done[state.after.node.uid], state.after.axes)
            values.append(self.fitted(value.text, max(room // len(names), 30)))
        kept = [(h.before, f"{name}.append({self.name_of(h, names, loop)})")
                for h, name in zip(loop.histories, lists, strict=True)]  # fmt: skip
        self.needs(*(line for before, line in kept if before))
        self.needs(f"{', '.join(names)} = {', '.join(values)}")
        self.needs(*(line for before, line in kept if not before))

    def needs(self, *lines: str) -> None:
        """Statements that stay whatever comes after them."""
        self.lines += lines
        self.carried.update(lines)

    def carrier(self, state: State) -> str:
        """A name for what a loop carries: H for H_l; with `_before` for the member before that."""
        return identifier(state.family.split("#")[0], "state") + "_before" * (state.back - 1)

    @staticmethod
    def name_of(history: History, names: Sequence[str], loop: Loop) -> str:
        """The variable that holds the members of which a loop keeps all."""
        return next(
            name for s, name in zip(loop.states, names, strict=True) if (s.family, s.back) == (history.family, 1)
        )

    def with_batches(self, loop: Loop) -> bool:
        """Whether there may be batch axes in front of what the loop carries."""
        for node in ordered([v.node for v in loop.values], self.operands):
            known = self.symbols.get(str(node.attr("name"))) if node.op == "input" else None
            done = self.done.get(node.uid)
            if known is not None and known.batched or done is not None and done.batched:
                return True
        return False
