"""A document as a model: `load(path)` gives its definitions as functions, and as modules to be trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.model.definitions import Definition, definitions
from lemmata.model.function import CannotRun, Function
from lemmata.model.naming import resolve
from lemmata.model.sizes import ShapeMismatch

if TYPE_CHECKING:
    from lemmata.model.module import DocumentModule

__all__ = ["CannotRun", "Definition", "Function", "Model", "ShapeMismatch", "load"]


def load(path: str | PathLike[str], *, fuse: bool = True) -> Model:
    """The document at `path` as a model. Raises ValueError where it cannot be read.

    With `fuse=False` tensors run as the formulas stand, without attention and other operations being recognised.
    """
    from lemmata.documents import read

    document = read(fspath(path))
    broken = [d for d in document.diagnostics if d.severity == "error"]
    if broken and not document.formulas:
        at = "" if broken[0].span is None else f":{broken[0].span.start.line}"
        raise ValueError(f"{fspath(path)}{at}: {broken[0].message}")
    return Model(elaborate(document), fuse)


@dataclass(repr=False)
class Model:
    """The definitions of a document: `model.Attention(Q, K, V)`, `model["\\hat y"](X=X, w=w, b=b)`.

    Of several definitions of one name the last one counts; `model.functions["score:20"]` is the one of line 20.
    """

    elaboration: Elaboration = field(repr=False)
    fuse: bool = True
    functions: Mapping[str, Function] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, Function] = {}
        for definition in definitions(self.elaboration):
            function = Function(definition, self.fuse)
            earlier = found.pop(definition.name, None)
            if earlier is not None:
                found[f"{definition.name}:{earlier.definition.line}"] = earlier
            found[definition.name] = function
        self.functions = found

    def __repr__(self) -> str:
        return f"<Model of {self.elaboration.document.path}: {', '.join(self.functions) or 'no definitions'}>"

    def __getitem__(self, name: str) -> Function:
        """The definition of this name, in LaTeX or as programmers spell it. Raises KeyError."""
        wanted = self.functions.get(name)
        if wanted is None:
            key = resolve(name, ((n, n.split(":")[0]) for n in self.functions if ":" not in n))
            if key is None:
                near = get_close_matches(name, list(self.functions), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise KeyError(f"{self.elaboration.document.path} defines no {name}{hint}")
            wanted = self.functions[key]
        return wanted

    def __getattr__(self, name: str) -> Function:
        if name.startswith("__") or name in ("functions", "elaboration"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[Function]:
        return iter(self.functions.values())

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(n for n in self.functions if n.isidentifier())})

    def module(self, name: str, sizes: Mapping[str, int] | None = None, **options: Any) -> DocumentModule:
        """The definition as an `nn.Module` with its free symbols as parameters; see `lemmata.model.module.module`."""
        from lemmata.model.module import module

        return module(self[name], sizes or {}, **options)

    def pytree(
        self, name: str, sizes: Mapping[str, int] | None = None, **options: Any
    ) -> tuple[dict[str, Any], Callable[..., Any]]:
        """The definition for JAX: weights by name, and a pure function of them; see `lemmata.model.frameworks`."""
        from lemmata.model.frameworks import pytree

        return pytree(self[name], sizes or {}, **options)

    def layer(self, name: str, sizes: Mapping[str, int] | None = None, **options: Any) -> Any:
        """The definition as a Keras layer; see `lemmata.model.frameworks`."""
        from lemmata.model.frameworks import layer

        return layer(self[name], sizes or {}, **options)
