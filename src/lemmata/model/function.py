"""A definition as a Python function of NumPy arrays, or of tensors of PyTorch, JAX or TensorFlow."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.backends import numpy as plain_backend
from lemmata.backends.numpy import TooLarge
from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate.solver import Unreadable
from lemmata.lower.lowering import FAMILY_LENGTH, Lowering
from lemmata.lower.value import Value, full
from lemmata.model import libraries
from lemmata.model.definitions import Definition, Expression, Symbol, describe
from lemmata.model.libraries import Library
from lemmata.model.naming import resolve
from lemmata.model.sizes import Given, ShapeMismatch, shape_text, solve
from lemmata.operations.recognise import fuse
from lemmata.program import build
from lemmata.program.graph import inputs as leaves
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    from lemmata.backends.torch import Compiled

PLANS = 256
"""Shapes for which a function keeps its programs."""


class CannotRun(ValueError):
    """A definition that has no meaning that could be run, and why."""


class Program(Struct, frozen=True):
    """A definition at concrete shapes: the value of `output`, its dimensions in the order of `axes`."""

    inputs: tuple[Node, ...]
    output: Node
    axes: tuple[Axis, ...]


@dataclass(repr=False, eq=False)
class Function:
    """A definition of a document, to be called on arrays or tensors.

    Arguments beyond a parameter's own axes are batch axes, in front, broadcast against each other. Symbols without a
    definition of their own are given by keyword or in `weights`; sizes that no shape tells, by keyword too.
    """

    definition: Definition
    fuse: bool = True
    """Whether tensors run as the recognised program; otherwise as the formulas stand, step by step."""
    letters: tuple[str, ...] = ()
    """Running indices that are given like symbols."""
    _read: dict[tuple[tuple[str, int], ...], Expression | str] = field(default_factory=dict, repr=False)
    _programs: dict[object, Program] = field(default_factory=dict, repr=False)
    _compiled: dict[object, tuple[Compiled, list[int] | None]] = field(default_factory=dict, repr=False)
    _runs: dict[object, Callable[..., Any]] = field(default_factory=dict, repr=False)
    _plans: dict[object, Callable[..., Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.__name__ = self.definition.name
        self.__doc__ = _documentation(self)
        self._indices = frozenset(self.definition.indices) if self.definition.family else None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles lower and compile anew."""
        kept = {k: v for k, v in self.__dict__.items() if k != "whole"}
        return {**kept, "_read": {}, "_programs": {}, "_compiled": {}, "_runs": {}, "_plans": {}}

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(self.parameters)}), line {self.definition.line}>"

    def given(self, names: Sequence[str]) -> Function:
        """The same definition where the running indices among `names` are symbols: y in L = -log P_y."""
        symbols = [(x.name, x.latex) for x in self.expression.free]
        running = self.definition.elaboration.roles.letters
        letters = tuple(n for n in names if n in running and resolve(n, symbols) is None)
        return Function(self.definition, self.fuse, letters) if letters else self

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.definition.parameters

    @property
    def expression(self) -> Expression:
        """The definition as a term. Raises CannotRun where it has none."""
        return self.read({})

    @cached_property
    def whole(self) -> Function:
        """The family that this is a member of, as one value: o_i for every i."""
        return Function(replace(self.definition, whole=True), self.fuse)

    @property
    def weights(self) -> dict[str, str]:
        """The symbols besides the parameters, each with its shape. Raises CannotRun."""
        return {x.name: describe(x.shape) for x in self.expression.free}

    def read(self, ranks: Mapping[str, int]) -> Expression:
        """The definition with undeclared parameters of so many axes. Raises CannotRun."""
        key = tuple(sorted(ranks.items()))
        if key not in self._read:
            try:
                self._read[key] = self.definition.read(ranks, self.letters)
            except Unreadable as error:
                self._read[key] = str(error)
            except RecursionError:
                self._read[key] = "the definitions are nested too deeply"
        found = self._read[key]
        if isinstance(found, str):
            raise CannotRun(f"{self.name} (line {self.definition.line}): {found}")
        return found

    def __call__(
        self, *args: Any, weights: Mapping[str, Any] | None = None, sizes: Mapping[str, int] | None = None, **named: Any
    ) -> Any:
        """The value at these arguments: a tensor of the library of which any of them is one, else a float64 array.

        Names in keywords, `weights` and `sizes` are the author's, or spelled as programmers do. A family called without
        its indices has all members, the indices' axes in front.

        Raises TypeError for arguments that are missing, too many or unknown, ShapeMismatch (a ValueError) for shapes
        that do not fit, CannotRun (a ValueError) for definitions without a meaning that can be run.
        """
        weights = weights or {}
        if self._indices is not None and not args and not any(n in self._indices for g in (weights, named) for n in g):
            return self.whole(weights=weights, sizes=sizes, **named)
        key = _signature(args, weights, sizes, named)
        plan = self._plans.get(key) if key is not None else None
        if plan is not None:
            return plan(args, weights, named)
        positional = self._positional(args)
        given = {**weights, **named}
        expression = self._fitting(positional, given)
        values, stated = self._bind(expression, positional, given)
        stated |= sizes or {}
        torch = sys.modules.get("torch")
        if torch is not None and any(isinstance(v, torch.Tensor) for v in values.values()):
            tensors = _tensors(values)
            result = self._run_torch(expression, tensors, stated)
            if key is not None:
                self._keep(key, expression, len(args), given, values, tensors, stated)
            return result
        library = libraries.among(values.values())
        if library is not None:
            return self._run_library(library, expression, values, stated)
        return self._run_numpy(expression, values, stated)

    def _positional(self, args: Sequence[Any]) -> dict[str, Any]:
        if len(args) > len(self.parameters):
            takes = ", ".join(self.parameters) or "no arguments in a row: its symbols are given by keyword"
            raise TypeError(f"{self.name} takes {takes}; {len(args)} were given")
        return dict(zip(self.parameters, map(as_array, args), strict=False))

    def _fitting(self, positional: Mapping[str, Any], given: Mapping[str, Any]) -> Expression:
        """The reading by convention, or with parameters of as many axes as the arguments have."""
        failure: CannotRun | None = None
        try:
            expression = self.expression
            short = {
                p.name
                for p in expression.parameters
                if p.name in positional and len(positional[p.name].shape) < len(p.shape)
            }
            if not short:
                return expression
        except CannotRun as error:
            failure, short = error, set(positional)
        ranks = {name: len(positional[name].shape) for name in short}
        for limit in (2, 1):
            try:
                return self.read({name: min(rank, limit) for name, rank in ranks.items()})
            except CannotRun:
                continue
        if failure is not None:
            raise failure
        return self.expression

    def _bind(
        self, expression: Expression, positional: Mapping[str, Any], given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, int]]:
        """Values by symbol, and sizes given by name."""
        symbols = [(x.name, x.latex) for x in expression.symbols]
        known_sizes = [(a, a) for a in sorted(atoms(expression))]
        values = dict(positional)
        sizes: dict[str, int] = {}
        for name, value in given.items():
            symbol = resolve(name, symbols)
            if symbol is not None:
                if symbol in values:
                    raise TypeError(f"{self.name} got two values for {symbol}")
                values[symbol] = as_array(value)
                continue
            size = resolve(name, known_sizes)
            if size is None:
                has = ", ".join(n for n, _ in (*symbols, *known_sizes)) or "none"
                raise TypeError(f"{self.name} has no symbol {name}; it has {has}")
            sizes[size] = int(value)
        missing = [x for x in expression.symbols if x.name not in values]
        if missing:
            raise TypeError(f"{self.name} needs a value for {'; '.join(map(str, missing))}")
        return values, sizes

    def program(
        self, expression: Expression, shapes: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int]
    ) -> Program:
        """The tensor program at these shapes, batch axes included. Raises ShapeMismatch, CannotRun."""
        key = (id(expression), tuple(sorted(shapes.items())), tuple(sorted(sizes.items())))
        found = self._programs.get(key)
        if found is None:
            if len(self._programs) >= PLANS:
                self._forget()
            found = self._programs[key] = self.lowered(expression, shapes, sizes)[0]
        return found

    def _forget(self) -> None:
        self._programs.clear()
        self._compiled.clear()
        self._runs.clear()
        self._plans.clear()

    def lowered(
        self, expression: Expression, shapes: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int]
    ) -> tuple[Program, Lowering]:
        """The tensor program, and the state that knows what each part of the definition became. Raises as `program`."""
        known, batch = self._sizes(expression, shapes, sizes)
        extra = tuple(Axis.fresh("batch", n) for n in batch)
        low = Lowering(known, dict(expression.solution), dict(expression.recurrences))
        inputs = []
        for symbol in expression.symbols:
            axes = tuple(
                Axis.fresh(describe((x,)), n)
                for x, n in zip(symbol.shape, _own(symbol, shapes[symbol.name]), strict=True)
            )
            lead = shapes[symbol.name][: len(shapes[symbol.name]) - len(axes)]
            leading = tuple(a for a, n in zip(extra[len(extra) - len(lead) :], lead, strict=True) if n == a.size)
            dtype = "complex" if symbol.variable.type.dtype == "complex" else "real"
            node = build.input(symbol.name, (*leading, *axes), dtype)
            low.inputs[symbol.variable.key] = (Value(node, axes), symbol.variable)
            low.overrides[symbol.variable.key] = Value(node, axes)
            inputs.append(node)
        try:
            value = full(low.value(expression.term))
        except KeyError as error:
            raise CannotRun(f"{self.name}: the size {error.args[0]} is not known; give it by keyword") from error
        except (CannotLower, build.BadProgram, TooLarge) as error:
            raise CannotRun(f"{self.name} (line {self.definition.line}): {error}") from error
        free = [a.label for a in value.node.axes if a not in extra and a not in value.axes]
        if free:
            raise CannotRun(f"{self.name} holds for every {', '.join(free)}: it is no single value")
        named = {n.attr("name") for n in inputs}
        unbound = sorted({n.attr("name") for n in leaves(value.node)} - named)
        if unbound:
            names = ", ".join(dict.fromkeys(re.split(r"[#?]", n)[0] for n in unbound))
            raise CannotRun(
                f"{self.name} (line {self.definition.line}) depends on {names}, which the document leaves open"
            )
        missing = tuple(a for a in extra if a not in value.node.axes)
        node = build.broadcast(value.node, missing) if missing else value.node
        return Program(tuple(inputs), node, extra + value.axes), low

    def _sizes(
        self, expression: Expression, shapes: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int]
    ) -> tuple[dict[str, int], tuple[int, ...]]:
        """The sizes, and the batch axes. Raises ShapeMismatch."""
        given = [Given(n, (Size.of(n).substitute(expression.solution),), (v,), size=True) for n, v in sizes.items()]
        leading = []
        for symbol in expression.symbols:
            shape = shapes[symbol.name]
            if len(shape) < len(symbol.shape):
                raise ShapeMismatch(f"{symbol.name} has shape {shape_text(shape)}, expected {describe(symbol.shape)}")
            own = _own(symbol, shape)
            leading.append(shape[: len(shape) - len(own)])
            given.append(Given(symbol.name, symbol.shape, own))
        known = solve(given)
        try:
            batch = np.broadcast_shapes(*leading)
        except ValueError as error:
            said = ", ".join(f"{x.name} {lead}" for x, lead in zip(expression.symbols, leading, strict=True) if lead)
            raise ShapeMismatch(f"the batch axes of {self.name} do not fit each other: {said}") from error
        for atom in atoms(expression) - known.keys():
            if atom.startswith("?members"):
                known[atom] = FAMILY_LENGTH
            elif (width := self.width(atom, expression, shapes)) is not None:
                known[atom] = width
        return known, tuple(batch)

    @staticmethod
    def width(atom: str, expression: Expression, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
        """d_k is the width of the parameter K where nothing else says what it is."""
        letter = atom.rpartition("_")[2].casefold()
        found = [p for p in expression.parameters if p.name.casefold() == letter and p.shape and "_" in atom]
        return shapes[found[0].name][-1] if len(found) == 1 else None

    def _run_numpy(self, expression: Expression, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        arrays = {n: _numbers(v) for n, v in values.items()}
        program = self.program(expression, {n: a.shape for n, a in arrays.items()}, sizes)
        feeds = {
            node.attr("name"): arrays[node.attr("name")].reshape([a.size for a in node.axes]) for node in program.inputs
        }
        try:
            result = plain_backend.run([program.output], feeds)[0]
        except TooLarge as error:
            raise CannotRun(f"{self.name}: {error}") from error
        result = np.asarray(result).transpose([program.output.axes.index(a) for a in program.axes])
        return result.astype(float) if result.dtype.kind in "biu" else result

    def _run_library(
        self, library: Library, expression: Expression, values: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> Any:
        arrays = libraries.converted(library, values)
        program = self.program(expression, {n: libraries.shape(x) for n, x in arrays.items()}, sizes)
        key = (library.module, id(program))
        run = self._runs.get(key)
        if run is None:
            output = fuse(program.output) if self.fuse else program.output
            run = self._runs[key] = libraries.compiled(library, program.inputs, output, program.axes)
        return run(arrays)

    def _run_torch(self, expression: Expression, tensors: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        shapes = {n: tuple(x.shape) for n, x in tensors.items()}
        program = self.program(expression, shapes, sizes)
        if id(program) not in self._compiled:
            self._compiled[id(program)] = _compile(program, self.fuse)
        compiled, order = self._compiled[id(program)]
        value = compiled(*(tensors[n.attr("name")].reshape([a.size for a in n.axes]) for n in program.inputs))[0]
        return value if order is None else value.permute(order)

    def _keep(
        self,
        key: object,
        expression: Expression,
        positional: int,
        given: Mapping[str, Any],
        values: Mapping[str, Any],
        tensors: Mapping[str, Any],
        sizes: Mapping[str, int],
    ) -> None:
        """Remember, for arguments of these kinds and shapes, what runs and where its inputs stand."""
        program = self.program(expression, {n: tuple(np.shape(v)) for n, v in values.items()}, sizes)
        compiled, order = self._compiled[id(program)]
        kind = compiled.kind([tensors[n.attr("name")] for n in program.inputs])
        symbols = [(x.name, x.latex) for x in expression.symbols]
        places: dict[str | None, int | str] = {n: i for i, n in enumerate(self.parameters[:positional])}
        places |= {resolve(n, symbols): n for n, v in given.items()}
        steps: list[tuple[Any, tuple[int, ...] | None]] = []
        for node in program.inputs:
            shape, name = tuple(a.size for a in node.axes), node.attr("name")
            if _is_tensor(values[name]):
                steps.append((places[name], None if shape == tuple(values[name].shape) else shape))
            else:
                steps.append((tensors[name].reshape(shape), None))

        def plan(args: Sequence[Any], weights: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
            tensors = []
            for place, shape in steps:
                if isinstance(place, int):
                    tensor = args[place]
                elif not isinstance(place, str):
                    tensor = place
                else:
                    tensor = named[place] if place in named else weights[place]
                tensors.append(tensor if shape is None else tensor.reshape(shape))
            value = compiled.run(kind, tensors)[0]
            return value if order is None else value.permute(order)

        if len(self._plans) >= PLANS:
            self._plans.clear()
        self._plans[key] = plan


def _tensors(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and arrays as tensors, in the precision and on the device of the tensors beside them."""
    import torch

    like = next(
        (v for v in values.values() if isinstance(v, torch.Tensor) and (v.is_floating_point() or v.is_complex())),
        None,
    )
    dtype, device = (None, None) if like is None else (like.dtype, like.device)
    return {
        name: v if isinstance(v, torch.Tensor) else torch.as_tensor(np.asarray(v), dtype=dtype, device=device)
        for name, v in values.items()
    }


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _signature(
    args: Sequence[Any], weights: Mapping[str, Any], sizes: Mapping[str, int] | None, named: Mapping[str, Any]
) -> tuple[object, ...] | None:
    """What two calls must share to run the same way; None unless all values are tensors or numbers."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    kind, parts = torch.Tensor, list[object]()
    for x in args:
        if isinstance(x, kind):
            parts.append((x.shape, x.dtype, x.device))
        elif type(x) in (int, float):
            parts.append((type(x), x))
        else:
            return None
    for group in (weights, named):
        for name, x in group.items():
            if isinstance(x, kind):
                parts.append((name, x.shape, x.dtype, x.device))
            elif type(x) in (int, float):
                parts.append((name, type(x), x))
            else:
                return None
    return (len(args), len(weights), *parts, *(sizes.items() if sizes else ()))


def _compile(program: Program, recognise: bool) -> tuple[Compiled, list[int] | None]:
    """The program on tensors in the order of its inputs, recognised or as it stands, and the order of its axes."""
    from lemmata.backends.torch import compile

    output = fuse(program.output) if recognise else program.output
    order = [output.axes.index(a) for a in program.axes]
    return compile([output], program.inputs, native=recognise), None if order == sorted(order) else order


def _own(symbol: Symbol, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[len(shape) - len(symbol.shape) :]


def atoms(expression: Expression) -> set[str]:
    """Sizes that the definition depends on, those that others determine included."""
    found = {a for x in expression.symbols for size in (*x.shape, *x.variable.type.shape) for a in size.atoms}
    for term in t.walk((expression.term,)):
        sizes = [*term.type.shape]
        match term:
            case t.SizeNum(size=size) | t.Unrolled(index=size):
                sizes.append(size)
            case t.Op(attrs=attrs):
                sizes += [v for _, v in attrs if isinstance(v, Size)]
            case t.Reduce(vars=variables) | t.Build(vars=variables):
                sizes += [x for v in variables for x in (v.count, v.start)]
            case t.Stacked(var=v) | t.Var(var=v):
                sizes += [v.count, v.start]
        for size in sizes:
            found |= size.atoms | size.substitute(expression.solution).atoms
    return found


def as_array(value: Any) -> Any:
    """Tensors and arrays as they are; a list of equal arrays, such as the members of a family, as one."""
    torch = sys.modules.get("torch")
    if torch is not None:
        if isinstance(value, torch.Tensor):
            return value
        if isinstance(value, list | tuple) and value and all(isinstance(v, torch.Tensor) for v in value):
            return torch.stack(list(value))
    if libraries.of(value) is not None:
        return value
    if isinstance(value, list | tuple) and value:
        joined = libraries.stacked(value)
        if joined is not None:
            return joined
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ShapeMismatch(f"a list of unequal arrays: {error}") from error


def _numbers(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array if array.dtype.kind == "c" else array.astype(np.float64)


def _documentation(function: Function) -> str:
    definition = function.definition
    return f"{definition.latex}\n\nLine {definition.line} of {definition.elaboration.document.path}."
