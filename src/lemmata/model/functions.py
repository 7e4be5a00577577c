"""Calling what a document defines: sizes from the arguments' shapes, one program per set of shapes, batch axes added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lemmata.backends import numpy as arrays
from lemmata.code.shapes import unify
from lemmata.code.target import Parameter
from lemmata.core.size import Size
from lemmata.lower.lowering import Lowering
from lemmata.lower.targets import FormulaTarget
from lemmata.lower.value import Value, full
from lemmata.program import build
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    import torch


class ShapeMismatch(ValueError):
    """An argument whose shape does not fit the document's declaration."""


@dataclass(frozen=True, slots=True)
class Program:
    """A function at given shapes."""

    node: Node
    inputs: tuple[Node, ...]
    keys: tuple[str, ...]
    order: tuple[int, ...]
    """The node's dimensions in the order of the result: batch first, then as the document has them."""


def identifier(latex: str) -> str:
    """The name of a symbol in Python: `\\hat y` is y_hat, `W_i^Q` is W_Q, `\\text{MultiHead}` is MultiHead."""
    text = re.sub(r"\\(?:text|mathrm|operatorname|mathbf|boldsymbol|mathit|mathsf|mathcal)\s*\{([^{}]*)\}", r"\1", latex)
    text = re.sub(r"\\(hat|tilde|bar|vec)\s*\{?\s*(\\?[A-Za-z]+)\s*\}?", r"\2_\1", text)
    text = text.replace("\\", "")
    text = re.sub(r"_\{?[ijlt]\}?(?=\^)", "", text)
    text = re.sub(r"[{}()\s]", "", text).replace("^", "_").replace("*", "star").replace("'", "_prime").replace(",", "_")
    return re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_")


@dataclass
class Function:
    """A definition of the document as a function of its arguments and, by keyword, of its other symbols.

    Arguments may have further axes in front (a batch); NumPy in gives NumPy out in double precision, tensors in give
    tensors out, differentiable. Raises ShapeMismatch, TypeError for missing arguments.
    """

    name: str
    latex: str
    line: int
    target: FormulaTarget
    programs: dict[Any, Any] = field(default_factory=dict)

    @staticmethod
    def of(target: FormulaTarget) -> Function:
        function = Function(identifier(target.latex), target.latex, target.line, target)
        function.__doc__ = function.describe()
        return function

    @property
    def parameters(self) -> dict[str, Parameter]:
        """By Python name: the arguments in order, then everything else the formula depends on."""
        return {identifier(p.latex): p for p in self.target.parameters}

    def describe(self) -> str:
        lines = [f"{self.target.statement.latex}    (line {self.line})", ""]
        for name, p in self.parameters.items():
            lines.append(f"  {name}: {shape_text(p)}" + ("" if p.role == "argument" else f"  ({p.role})"))
        return "\n".join(lines)

    def __call__(self, *args: Any, **symbols: Any) -> Any:
        given = self._bind(args, symbols)
        if any(_is_tensor(v) for v in given.values()):
            return self._tensors(given)
        feeds = {k: np.asarray(v, dtype=float) for k, v in given.items()}
        program = self.program({k: v.shape for k, v in feeds.items()})
        (result,) = arrays.run([program.node], {k: feeds[k] for k in program.keys})
        return np.asarray(result).transpose(program.order)

    def _bind(self, args: tuple[Any, ...], symbols: Mapping[str, Any]) -> dict[str, Any]:
        parameters = self.parameters
        names = [n for n, p in parameters.items() if p.role == "argument"] or list(parameters)
        if len(args) > len(names):
            raise TypeError(f"{self.name} takes {len(names)} arguments ({', '.join(names)}), not {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in symbols.items():
            if name not in parameters:
                raise TypeError(f"{self.name} does not depend on {name}; it depends on {', '.join(parameters)}")
            given[name] = value
        missing = [n for n in parameters if n not in given]
        if missing:
            raise TypeError(f"{self.name} needs {', '.join(missing)}")
        return {parameters[n].key: v for n, v in given.items()}

    def _tensors(self, given: Mapping[str, Any]) -> Any:
        import torch

        sample = next(v for v in given.values() if isinstance(v, torch.Tensor))
        feeds = {k: v if isinstance(v, torch.Tensor) else torch.as_tensor(v, dtype=sample.dtype, device=sample.device)
                 for k, v in given.items()}
        return self.compiled({k: tuple(v.shape) for k, v in feeds.items()}, sample.dtype)(feeds)

    def compiled(self, shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype) -> Any:
        """The function at these shapes as tensor operations, attention and its kin as the framework's own calls."""
        from lemmata.backends import torch as backend
        from lemmata.operations.recognise import fuse

        key = ("torch", dtype, tuple(sorted(shapes.items())))
        found = self.programs.get(key)
        if found is None:
            program = self.program(shapes)
            fused = fuse(program.node)
            wanted = [program.node.axes[i] for i in program.order]
            order = tuple(fused.axes.index(a) for a in wanted)
            found = self.programs[key] = _Ready(backend.compile([fused], program.inputs, dtype), program.keys, order)
        return found

    def program(self, shapes: Mapping[str, tuple[int, ...]]) -> Program:
        """The program at these shapes of all parameters. Raises ShapeMismatch."""
        key = tuple(sorted(shapes.items()))
        found = self.programs.get(key)
        if found is None:
            found = self.programs[key] = self._lower(shapes)
        return found

    def _lower(self, shapes: Mapping[str, tuple[int, ...]]) -> Program:
        sizes = self.sizes(shapes)
        shared = self.target.shared
        low = Lowering(dict(sizes), dict(shared.solver.solution), dict(shared.recurrences))
        batch: list[Axis] = []
        nodes: dict[str, Node] = {}
        for p in self.target.parameters:
            shape, rank = shapes[p.key], len(p.shape or ())
            front = shape[: len(shape) - rank]
            for depth, length in enumerate(reversed(front)):
                if depth == len(batch):
                    batch.append(Axis.fresh("batch", length))
                elif batch[depth].size != length:
                    raise ShapeMismatch(f"{p.latex} has a batch axis of {length}, another argument one of {batch[depth].size}")
            leading = tuple(batch[depth] for depth in reversed(range(len(front))))
            axes = tuple(Axis.fresh(str(s), n) for s, n in zip(p.shape or (), shape[len(front):], strict=True))
            nodes[p.key] = build.input(p.key, (*leading, *axes))
            low.overrides[p.key] = Value(nodes[p.key], axes)
        try:
            value = full(low.value(self.target.term))
        except CannotLower as error:
            raise ShapeMismatch(f"{self.name}: {error}") from error
        order = (*[b for b in reversed(batch) if b in value.node.axes], *value.axes)
        used = tuple(p.key for p in self.target.parameters)
        return Program(value.node, tuple(nodes[k] for k in used), used, tuple(value.node.axes.index(a) for a in order))

    def sizes(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
        """The sizes of the document that these shapes mean. Raises ShapeMismatch, naming what does not fit."""
        sizes: dict[str, int] = {}
        for _ in range(2):
            for p in self.target.parameters:
                declared, shape = p.shape or (), shapes[p.key]
                if len(shape) < len(declared):
                    raise ShapeMismatch(f"{p.latex} should have shape {shape_text(p)}, got {_times(shape)}")
                learned = unify(declared, shape[len(shape) - len(declared):], sizes)
                if learned is None:
                    known = ", ".join(f"{k} = {v}" for k, v in sizes.items() if not k.startswith("?"))
                    raise ShapeMismatch(f"{p.latex} should have shape {shape_text(p)}, got {_times(shape)}" + (f" where {known}" if known else ""))
                sizes |= learned
        missing = [a for a in self.target.sizes if a not in sizes]
        if missing:
            raise ShapeMismatch(f"{self.name}: the size {missing[0]} does not follow from the arguments")
        return sizes


@dataclass(frozen=True, slots=True)
class _Ready:
    run: Any
    keys: tuple[str, ...]
    order: tuple[int, ...]

    def __call__(self, feeds: Mapping[str, Any]) -> Any:
        return self.run(*(feeds[k] for k in self.keys))[0].permute(self.order)


@dataclass(frozen=True)
class Model:
    """The functions of a document, also as attributes: `model.Attention(Q, K, V)`."""

    path: str
    functions: Mapping[str, Function]
    equations: tuple[tuple[Size, Size], ...] = ()
    """Sizes that the document equates, such as d_k = d_model / h."""

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.functions[name]
        except KeyError:
            known = ", ".join(self.functions) or "nothing"
            raise AttributeError(f"{self.path} defines no {name}; it defines {known}") from None

    def __dir__(self) -> Iterator[str]:  # type: ignore[override]
        yield from (*super().__dir__(), *self.functions)

    def module(self, name: str, sizes: Mapping[str, int], *, dtype: torch.dtype | None = None, seed: int = 0) -> Any:
        """A trainable `torch.nn.Module` of a function: its parameters are the weights that the document declares.

        `sizes`: numbers for the author's size names. Raises KeyError for an unknown function, ShapeMismatch for a weight
        whose shape does not follow.
        """
        from lemmata.model.modules import module

        return module(self.functions[name], self.completed(sizes), dtype, seed)

    def completed(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The sizes with those that the document's own equations add."""
        known = dict(sizes)
        for left, right in (*self.equations, *((b, a) for a, b in self.equations)):
            if right.atoms <= set(known) and len(left.atoms - set(known)) == 1:
                value = right.at(known)
                if value.denominator == 1:
                    learned = unify([left], [int(value)], known)
                    known = learned if learned is not None else known
        return known


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.startswith("torch")


def shape_text(parameter: Parameter) -> str:
    """A declared shape as the author writes sizes; unknown sizes as ·."""
    return " × ".join("·" if any(a.startswith("?") for a in s.atoms) else str(s) for s in parameter.shape or ()) or "a number"


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a number"
