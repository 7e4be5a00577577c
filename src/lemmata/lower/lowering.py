"""Lowering: each core term to a program value at one assignment of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate.reader import Recurrence
from lemmata.lower import operations
from lemmata.lower.value import Value, aligned, fresh, full, relabel
from lemmata.program import autodiff, build
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

FAMILY_LENGTH = 11
LIMIT = 40


@dataclass(slots=True)
class Lowering:
    """The state of lowering one claim: sizes, inputs met so far, axes of index variables."""

    sizes: dict[str, int]
    solution: Mapping[str, Size]
    recurrences: Mapping[str, Recurrence]
    inputs: dict[str, tuple[Value, t.Variable]] = field(default_factory=dict)
    axes: dict[int, Axis] = field(default_factory=dict)
    memo: dict[object, Value] = field(default_factory=dict)
    overrides: dict[str, Value] = field(default_factory=dict)
    depth: int = 0
    exact: bool = True
    named_axes: dict[str, Axis] = field(default_factory=dict)
    random: dict[str, Value] = field(default_factory=dict)
    outcomes: dict[int, tuple[Axis, Node]] = field(default_factory=dict)
    """Random variables: outcome axis and weights."""
    levels: dict[str, int] = field(default_factory=dict)
    """Of the random variables that expectations are conditional on, the coarsest condition first."""
    independent: tuple[str, ...] = ()
    """Random variables of which nothing is stated but that they are independent."""
    polynomial: bool = True
    """Whether every expectation of a normal variable is one of a polynomial."""

    concluded: bool = False
    """All that the text says of the letters is known: what is not said to depend on a variable, or to be random, is
    constant."""

    def size(self, size: Size) -> int:
        """A whole number. Raises CannotLower where it is none."""
        size = size.substitute(self.solution)
        try:
            value = size.at(self.sizes)
        except KeyError as error:
            raise CannotLower(f"the size {str(error.args[0]).strip('?0123456789:')} is not known") from error
        if value.denominator != 1:
            raise CannotLower(f"{size} is no whole number")
        return int(value)

    def axis(self, var: t.IndexVar) -> Axis:
        found = self.axes.get(var.uid)
        if found is None:
            count = self.size(var.count)
            if count < 1:
                raise CannotLower(f"the index {var.label} has no values")
            found = Axis.fresh(var.label, count)
            self.axes[var.uid] = found
        return found

    def constant_axis(self, key: str, size: int) -> Axis:
        """An axis that belongs to a name rather than to a use: the same wherever it is asked for."""
        found = self.named_axes.get(key)
        if found is None:
            found = self.named_axes[key] = Axis.fresh(key.split("·")[0], size)
        return found

    def parameter(self, key: str, axes: tuple[Axis, ...]) -> Node:
        """A hidden input of a function that the document leaves open."""
        found = self.inputs.get(key)
        if found is None:
            kind = Tensor(tuple(Size.of(a.size) for a in axes))
            found = self.inputs[key] = (Value(build.input(key, axes), axes), t.Variable(key, "", kind))
        return found[0].node

    def new_axis(self, size: Size, label: str = "") -> Axis:
        return Axis.fresh(label or str(size.substitute(self.solution)), self.size(size))

    def value(self, term: t.Term) -> Value:
        """The program of a term. Raises CannotLower."""
        if isinstance(term, t.Defined):
            override = self.overrides.get(term.key)
            if override is not None:
                return override
        elif isinstance(term, t.Input):
            override = self.overrides.get(term.variable.key)
            if override is not None:
                return override
        elif isinstance(term, t.Unrolled):
            override = self.overrides.get(self.member_key(term))
            if override is not None:
                return override
        found = self.memo.get(id(term))
        if found is not None:
            return found
        self.depth += 1
        try:
            if self.depth > 400:
                raise CannotLower("the definitions are nested too deeply")
            result = self._value(term)
        finally:
            self.depth -= 1
        self.memo[id(term)] = result
        self.memo.setdefault(("keep", id(term)), term)  # type: ignore[arg-type]
        return result

    def _value(self, term: t.Term) -> Value:
        match term:
            case t.Num(value=value):
                return Value(build.constant(value))
            case t.Special(name="i"):
                return Value(build.constant(1j))
            case t.Special(name=name):
                return Value(build.special(name))
            case t.SizeNum(size=size):
                value = size.substitute(self.solution).at(self.sizes)
                return Value(build.constant(value))
            case t.Input(variable=variable):
                return self.input(variable)
            case t.Defined(body=body) | t.Apply(body=body):
                return self.value(body)
            case t.Var(var=var):
                return Value(build.iota(self.axis(var), self.size(var.start)))
            case t.Unrolled():
                return self.unrolled(term)
            case t.Op():
                return operations.lower(self, term)
            case t.Reduce():
                return self.reduce(term)
            case t.Build(vars=variables, body=body):
                axes = tuple(self.axis(v) for v in variables)
                inner = self.value(body)
                return full(Value(inner.node, axes + inner.axes))
            case t.Stacked():
                return self.stacked(term)
            case t.Item():
                return self.item(term)
            case t.Cases():
                return self.cases(term)
            case t.Compare(op=op, left=left, right=right):
                return operations.elementwise(_COMPARE[op], self.value(left), self.value(right))
            case t.Deriv():
                return self.derivative(term)
            case t.At(body=body, variable=variable, value=value):
                return self.at(body, variable, value)
            case t.Held(body=body, symbol=symbol):
                return self.held(body, symbol)
            case t.Blocks(rows=rows):
                return self.blocks(term, rows)
            case t.Expect():
                from lemmata.lower.expectation import expectation

                return expectation(self, term)
            case t.Limit():
                from lemmata.lower.limits import limit

                return limit(self, term)
        raise CannotLower(f"no program for {type(term).__name__}")

    def input(self, variable: t.Variable) -> Value:
        if variable.law is not None:
            from lemmata.lower.expectation import random_value

            return random_value(self, variable)
        found = self.inputs.get(variable.key)
        if found is None:
            axes = tuple(self.new_axis(s) for s in variable.type.shape)
            dtype = "complex" if variable.type.dtype == "complex" else "real"
            found = (Value(build.input(variable.key, axes, dtype), axes), variable)
            self.inputs[variable.key] = found
        return found[0]

    def member_key(self, term: t.Unrolled) -> str:
        return f"{term.family}[{self.size(term.index)}]"

    def unrolled(self, term: t.Unrolled) -> Value:
        """A member of a recurrence: its first value, or its body one step earlier; an input before the first."""
        return self.member(term.family, self.size(term.index))

    def member(self, family: str, step: int) -> Value:
        key = f"{family}[{step}]"
        override = self.overrides.get(key)
        if override is not None:
            return override
        recurrence = self.recurrences.get(family)
        if recurrence is None:
            raise CannotLower("a recurrence whose definition could not be read")
        found = self.memo.get(key)
        if found is not None:
            return found
        if step in recurrence.bases:
            found = self.value(recurrence.bases[step])
            found = self._shaped(found, recurrence)
        elif step <= min(recurrence.bases, default=0):
            found = self.input(t.Variable(key, f"{recurrence.latex}_{{{step}}}", recurrence.body.type))
        else:
            if step > LIMIT:
                raise CannotLower("a recurrence over too many steps")
            found = self.at_step(recurrence, step)
        self.memo[key] = found
        return found

    def _shaped(self, value: Value, recurrence: Recurrence) -> Value:
        """A first value 0 of a recurrence of vectors is the zero vector."""
        if len(value.axes) == recurrence.body.type.rank:
            return value
        axes = tuple(self.new_axis(s) for s in recurrence.body.type.shape)
        return full(Value(value.node, axes))

    def at_step(self, recurrence: Recurrence, step: int) -> Value:
        """The body with the step letter set; index variables and memo of other steps stay apart."""
        inner = Lowering(
            {**self.sizes, recurrence.letter: step},
            self.solution,
            self.recurrences,
            self.inputs,
            dict(self.axes),
            {k: v for k, v in self.memo.items() if isinstance(k, str)},
            self.overrides,
            self.depth + 1,
            self.exact,
            self.named_axes,
            self.random,
            self.outcomes,
            self.levels,
            self.independent,
            self.polynomial,
        )
        if inner.depth > 400:
            raise CannotLower("a recurrence nested too deeply")
        result = inner.value(recurrence.body)
        for key, value in inner.memo.items():
            if isinstance(key, str):
                self.memo.setdefault(key, value)
        return result

    def reduce(self, term: t.Reduce) -> Value:
        axes = [self.axis(v) for v in term.vars]
        body = self.value(term.body)
        node = body.node
        if term.guard is not None:
            neutral = {"sum": 0, "prod": 1, "max": None, "min": None}.get(term.op)
            guard = self.value(term.guard).node
            fill = (
                build.constant(neutral)
                if neutral is not None
                else (
                    build.unary("neg", build.special("inf")) if term.op in ("max", "argmax") else build.special("inf")
                )
            )
            node = build.select(guard, node, fill)
        node = full(Value(node, (*axes, *body.axes))).node
        if term.op in ("argmax", "argmin"):
            result = build.binary(
                "add", build.reduce(term.op, node, axes), build.constant(self.size(term.vars[0].start))
            )
            return Value(result)
        return Value(build.reduce(term.op, node, axes), body.axes)

    def stacked(self, term: t.Stacked) -> Value:
        axis = self.axis(term.var)
        body = full(self.value(term.body))
        node = full(Value(body.node, (axis,))).node
        along = body.axes[term.axis]
        merged = Axis.fresh(f"{axis.label}·{along.label}", axis.size * along.size)
        node = build.merge(node, (axis, along), merged)
        return Value(node, tuple(merged if a is along else a for a in body.axes))

    def item(self, term: t.Item) -> Value:
        base = full(self.value(term.base))
        node, kept = base.node, []
        for axis, index, origin in zip(base.axes, term.indices, term.origins, strict=True):
            if index is None:
                kept.append(axis)
                continue
            if isinstance(index, t.Var):
                target = self.axis(index.var)
                if target.size == axis.size and self.size(index.var.start) == origin:
                    if target is axis:
                        continue
                    node = (
                        build.diagonal(node, target, axis)
                        if target in node.axes
                        else build.rename(node, {axis: target})
                    )
                    continue
            where = self.value(index).node
            position = build.binary("sub", where, build.constant(origin))
            node = build.take(node, axis, position, fill=0 if term.zero_outside else None)
        return Value(node, tuple(kept))

    def cases(self, term: t.Cases) -> Value:
        values = [self.value(v) for v, _ in term.branches]
        tests = [self.value(c) for _, c in term.branches]
        last = self.value(term.otherwise) if term.otherwise is not None else values[-1]
        everything = [*values, *tests, last]
        shape = max(everything, key=lambda v: len(v.axes))
        node = aligned(last, shape).node
        start = len(values) - 1 if term.otherwise is None else len(values)
        for value, test in reversed(list(zip(values[:start], tests[:start], strict=True))):
            node = build.select(aligned(test, shape).node, aligned(value, shape).node, node)
        return Value(node, shape.axes)

    def at(self, body: t.Term, variable: t.Variable, value: t.Term) -> Value:
        """Lower the body with the variable free, then put the value in its place."""
        point = self.value(value)
        axes = tuple(self.new_axis(s) for s in variable.type.shape)
        hole = Value(build.input(f"{variable.key}@{id(value)}", axes), axes)
        result = self.under({variable.key: hole}).value(body)
        filled = relabel(full(Value(point.node, point.axes if point.axes else axes)), axes) if axes else point
        return Value(autodiff.substitute(result.node, {hole.node: filled.node}), result.axes)

    def held(self, body: t.Term, symbol: t.Term) -> Value:
        """Lower the body with the symbol cut out of the graph, then put its value back."""
        from lemmata.lower.derivative import _base, _key

        base, _ = _base(symbol)
        here = full(self.value(base))
        hole = Value(build.input(f"held {_key(self, base)}@{id(symbol)}", here.node.axes), here.axes)
        result = self.under({_key(self, base): hole}).value(body)
        return Value(autodiff.substitute(result.node, {hole.node: here.node}), result.axes)

    def under(self, overrides: Mapping[str, Value]) -> Lowering:
        """The same state with some symbols replaced; nothing remembered that might depend on them."""
        return Lowering(
            self.sizes,
            self.solution,
            self.recurrences,
            self.inputs,
            self.axes,
            {},
            {**self.overrides, **overrides},
            self.depth,
            self.exact,
            self.named_axes,
            self.random,
            self.outcomes,
            self.levels,
            self.independent,
            self.polynomial,
        )

    def derivative(self, term: t.Deriv) -> Value:
        from lemmata.lower.derivative import derivative

        return derivative(self, term)

    def blocks(self, term: t.Blocks, rows: tuple[tuple[t.Term, ...], ...]) -> Value:
        if all(x.type.rank == 0 for row in rows for x in row):
            columns = Axis.fresh("column", len(rows[0]))
            lines = Axis.fresh("row", len(rows))
            stacked = [build.stack([self.value(x).node for x in row], columns) for row in rows]
            return Value(build.stack(stacked, lines), (lines, columns))
        bands = []
        width = self.new_axis(term.type.shape[1])
        for row in rows:
            cells = [full(self.value(x)) for x in row]
            height = fresh(cells[0].axes[0])
            placed = [relabel(c, (height, fresh(c.axes[1]))) for c in cells]
            bands.append((build.concat([(c.node, c.axes[1]) for c in placed], width), height))
        height = self.new_axis(term.type.shape[0])
        return Value(build.concat(bands, height), (height, width))


_COMPARE = {"<": "lt", "\\le": "le", ">": "gt", "\\ge": "ge", "=": "eq", "\\ne": "ne"}
