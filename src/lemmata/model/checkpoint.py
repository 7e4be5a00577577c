"""Checkpoints: the document's weights from tensors that others have named, by a mapping from symbols to names.

A mapping stands in the document's front matter (`lemmata: {weights: {…}}`), in a YAML file or in a dictionary. There,
`W^Q: layer.{l-1}.query.weight^T[1/3]` says: W^Q at l is the first of three equal parts, side by side, of the transpose
of the tensor of that name. What the name leaves out, such as the index of a head, stands side by side in the last axis.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path

import torch
from msgspec import Struct
from torch import Tensor

from lemmata.core.size import Size
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import stem
from lemmata.elaborate.surface import Name
from lemmata.model.definitions import Symbol, describe
from lemmata.model.function import Function
from lemmata.model.naming import resolve
from lemmata.model.sizes import Given, shape_text
from lemmata.model.weights import BadCheckpoint

ENTRY = re.compile(r"(?P<name>[^\s^\[\]]+)(?P<transposed>\^T)?(?:\[(?P<part>\d+)/(?P<parts>\d+)\])?")
INDEX = re.compile(r"\{(?P<letter>[^{}+-]+?)(?P<shift>[+-]\d+)?\}")


class Source(Struct, frozen=True):
    """Where the values of a symbol stand in a checkpoint."""

    name: str
    """With indices in braces: `layer.{l-1}.query.weight`."""
    transposed: bool = False
    part: int = 1
    parts: int = 1

    @staticmethod
    def of(text: str) -> Source:
        """Raises ValueError for what is no entry."""
        found = ENTRY.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text} is no name of a tensor, with ^T or [1/3] behind it or not")
        part, parts = int(found["part"] or 1), int(found["parts"] or 1)
        if not 1 <= part <= parts:
            raise ValueError(f"there is no part {part} of {parts}")
        return Source(found["name"], found["transposed"] is not None, part, parts)

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(m["letter"].strip() for m in INDEX.finditer(self.name)))

    def at(self, values: Mapping[str, int]) -> str:
        """The name of the tensor at these values of the indices."""
        return INDEX.sub(lambda m: str(values[m["letter"].strip()] + int(m["shift"] or 0)), self.name)

    def own(self, tensor: Tensor) -> Tensor:
        """The part of a tensor that is meant, turned as the document has it. Raises ValueError."""
        if self.transposed:
            if tensor.dim() != 2:
                raise ValueError("only matrices can be transposed")
            tensor = tensor.T
        if self.parts > 1:
            if not tensor.dim() or tensor.shape[-1] % self.parts:
                raise ValueError(f"its last axis cannot be cut into {self.parts} equal parts")
            width = tensor.shape[-1] // self.parts
            tensor = tensor.narrow(-1, (self.part - 1) * width, width)
        return tensor


class Checkpoint(Struct, frozen=True):
    """Tensors by their own names, and the sources of the document's symbols in them."""

    tensors: Mapping[str, Tensor]
    sources: Mapping[str, Source]
    label: str
    """The file, for messages."""

    @staticmethod
    def open(
        weights: str | PathLike[str] | Mapping[str, Tensor],
        mapping: str | PathLike[str] | Mapping[str, str] | None,
        function: Function,
    ) -> Checkpoint:
        """`weights` is a safetensors file or tensors by name; without any mapping they bear the document's names.

        Raises BadCheckpoint, OSError.
        """
        label = "the checkpoint" if isinstance(weights, Mapping) else fspath(weights)
        tensors = weights if isinstance(weights, Mapping) else _load(Path(fspath(weights)))
        return Checkpoint(tensors, _sources(mapping, function), label)

    def given(self, function: Function, symbols: list[Symbol]) -> list[Given]:
        """What the shapes of the tensors say of the document's sizes. Raises BadCheckpoint."""
        found = []
        counts: dict[Size, int] = {}
        for symbol in symbols:
            for size, count in self._counts(function, symbol):
                counts[size] = max(count, counts.get(size, 0))
            name, tensor = self._first(function, symbol)
            if tensor is None:
                continue
            shape = _shape(symbol, self._left_out(function, symbol), tensor.dim())
            if len(shape) != tensor.dim():
                raise BadCheckpoint(
                    f"{self.label}: {name} has shape {shape_text(tensor.shape)}, "
                    f"but {symbol.name} is {describe(symbol.shape)}"
                )
            found.append(Given(f"{name} in {self.label}, {symbol.name} in the document,", shape, tuple(tensor.shape)))
        members = [Given(f"{describe((x,))} in {self.label}", (x,), (n,), size=True) for x, n in counts.items()]
        return members + found

    def value(self, function: Function, symbol: Symbol, sizes: Mapping[str, int]) -> Tensor:
        """The values of a symbol, its families' axes in front. Raises BadCheckpoint."""
        source = self._source(symbol)
        lengths = [int(x.at(sizes)) for x in symbol.shape]
        family = symbol.variable.family
        letters = _letters(function, symbol)
        mapped = [n for n, (letter, _) in enumerate(letters) if letter in source.letters]
        members = []
        for values in _all(letters, lengths, mapped):
            name = source.at(values)
            if name not in self.tensors:
                raise BadCheckpoint(self.missing(name, symbol))
            members.append((name, self.tensors[name]))
        left_out = [n for n in range(family) if n not in mapped]
        wanted = [s.at(sizes) for s in _shape(symbol, left_out, self._own(source, *members[0], symbol).dim())]
        for name, tensor in members:
            own = self._own(source, name, tensor, symbol)
            if list(own.shape) != wanted:
                turned = f", {shape_text(own.shape)} as the mapping takes it" if source.transposed else ""
                raise BadCheckpoint(
                    f"{self.label}: {name} has shape {shape_text(tensor.shape)}{turned}; {symbol.name} "
                    f"needs {shape_text([int(x) for x in wanted])}: {describe(symbol.shape)} at these sizes"
                )
        # Stacked as they lie in the file, so that what the mapping turns and cuts are views.
        whole = torch.stack([tensor for _, tensor in members]).reshape(
            *(lengths[n] for n in mapped), *members[0][1].shape
        )
        if source.transposed:
            whole = whole.transpose(-1, -2)
        if source.parts > 1:
            width = whole.shape[-1] // source.parts
            whole = whole.narrow(-1, (source.part - 1) * width, width)
        if left_out and whole.dim() < len(lengths):
            whole = whole.unflatten(-1, [*(lengths[n] for n in left_out), lengths[-1]])
            own_axes = len(lengths) - family
            first = len(mapped) + own_axes - 1
            order = [*range(len(mapped)), *range(first, first + len(left_out)), *range(len(mapped), first), -1]
            whole = whole.permute([o % whole.dim() for o in order])
        places = [*mapped, *left_out]
        return whole.permute([*(places.index(n) for n in range(family)), *range(family, whole.dim())])

    def missing(self, name: str, symbol: Symbol) -> str:
        near = get_close_matches(name, list(self.tensors), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{self.label} has no tensor {name}, which the document calls {symbol.name}{hint}"

    def unexpected(self, function: Function) -> list[str]:
        """Tensors that the mapping says nothing of; whole numbers are no weights."""
        patterns = []
        for source in self.sources.values():
            pieces = INDEX.split(source.name)
            patterns.append(re.compile(r"-?\d+".join(map(re.escape, pieces[:: INDEX.groups + 1]))))
        if not self.sources:
            known = {x.name for x in function.expression.free}
            return [n for n in self.tensors if n not in known]
        weights = [n for n, x in self.tensors.items() if x.is_floating_point()]
        return [n for n in weights if not any(p.fullmatch(n) for p in patterns)]

    def _source(self, symbol: Symbol) -> Source:
        if not self.sources:
            return Source(symbol.name)
        source = self.sources.get(symbol.name)
        if source is None:
            raise BadCheckpoint(
                f"the mapping says nothing of {symbol.name} ({describe(symbol.shape)}); "
                f"name its tensor, or name it among the inputs"
            )
        return source

    def _own(self, source: Source, name: str, tensor: Tensor, symbol: Symbol) -> Tensor:
        try:
            return source.own(tensor)
        except ValueError as error:
            raise BadCheckpoint(
                f"{self.label}: {name}, which the document calls {symbol.name}, "
                f"has shape {shape_text(tensor.shape)}: {error}"
            ) from None

    def _first(self, function: Function, symbol: Symbol) -> tuple[str, Tensor | None]:
        source = self._source(symbol)
        name = source.at(dict(_letters(function, symbol)))
        tensor = self.tensors.get(name)
        if tensor is None:
            raise BadCheckpoint(self.missing(name, symbol))
        return name, self._own(source, name, tensor, symbol)

    def _left_out(self, function: Function, symbol: Symbol) -> list[int]:
        mapped = self._source(symbol).letters
        return [n for n, (letter, _) in enumerate(_letters(function, symbol)) if letter not in mapped]

    def _counts(self, function: Function, symbol: Symbol) -> Iterator[tuple[Size, int]]:
        """How many members the tensors are there for, along each index in the name."""
        source, letters = self._source(symbol), _letters(function, symbol)
        start = dict(letters)
        for place, (letter, first) in enumerate(letters):
            if letter not in source.letters:
                continue
            count = 0
            while source.at({**start, letter: first + count}) in self.tensors:
                count += 1
            if count:
                yield symbol.shape[place], count


def _shape(symbol: Symbol, left_out: list[int], dimensions: int) -> tuple[Size, ...]:
    """The shape of one tensor of a symbol: indices that its name leaves out as axes, or side by side in the last."""
    own = symbol.shape[symbol.variable.family :]
    beside = tuple(symbol.shape[n] for n in left_out)
    if not beside or dimensions == len(beside) + len(own) or not own:
        return beside + own
    last = own[-1]
    for size in beside:
        last = size * last
    return (*own[:-1], last)


def _all(letters: list[tuple[str, int]], lengths: list[int], mapped: list[int]) -> Iterator[dict[str, int]]:
    """The values of the indices in a name, the last one running fastest."""
    counts = [lengths[n] for n in mapped]
    start = dict(letters)
    for number in range(math.prod(counts)):
        values = dict(start)
        for place, count in zip(reversed(mapped), reversed(counts), strict=True):
            letter, first = letters[place]
            values[letter] = first + number % count
            number //= count
        yield values


def _letters(function: Function, symbol: Symbol) -> list[tuple[str, int]]:
    """The indices of a family and where each begins."""
    binding = _binding(function, symbol)
    found = []
    for index in binding.indices if binding is not None else ():
        letter = stem(index) if isinstance(index, Name) else ""
        start = binding.ranges[letter][0].number if binding is not None and letter in binding.ranges else 1
        found.append((letter, int(start) if start is not None else 1))
    return found[: symbol.variable.family]


def _binding(function: Function, symbol: Symbol) -> Binding | None:
    key, _, uid = symbol.variable.key.partition("#")
    environment = function.definition.elaboration.roles.environment
    return next((b for b in environment.all(key) if str(b.uid) == uid), None)


def _sources(mapping: str | PathLike[str] | Mapping[str, str] | None, function: Function) -> dict[str, Source]:
    """Symbols to sources. Raises BadCheckpoint, with the line where the mapping is part of a file."""
    document = function.definition.elaboration.document
    path = ""
    entries: object = mapping
    if mapping is None:
        path = document.path
        section = document.metadata.get("lemmata")
        entries = section.get("weights") if isinstance(section, Mapping) else None
        if entries is None:
            return {}
    elif not isinstance(mapping, Mapping):
        import yaml

        path = fspath(mapping)
        try:
            entries = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadCheckpoint(f"{path}: {error}") from None
    if not isinstance(entries, Mapping):
        raise BadCheckpoint(f"{path}: the mapping of weights is no list of `symbol: name`")
    known = list(_symbols(function))
    found = {}
    for symbol, text in entries.items():
        name = resolve(str(symbol), known)
        at = _position(path, str(symbol))
        if name is None:
            near = get_close_matches(str(symbol), [n for n, _ in known], n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadCheckpoint(f"{at}{document.path} has no symbol {symbol}{hint}")
        try:
            found[name] = Source.of(str(text))
        except ValueError as error:
            raise BadCheckpoint(f"{at}{symbol}: {error}") from None
    return found


def _symbols(function: Function) -> Iterator[tuple[str, str]]:
    """Every symbol of the document that has no value, as name and LaTeX."""
    environment = function.definition.elaboration.roles.environment
    for name in environment.keys():
        for binding in environment.all(name):
            if binding.kind in ("variable", "family"):
                yield name, binding.latex
    for symbol in function.expression.free:
        yield symbol.name, symbol.latex


def _position(path: str, key: str) -> str:
    """`file:line:column: ` of an entry, where it can be found."""
    if not path:
        return ""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return f"{path}: "
    for number, line in enumerate(lines, 1):
        if line.strip().lstrip("\"'").startswith(key):
            return f"{path}:{number}:{len(line) - len(line.lstrip()) + 1}: "
    return f"{path}: "


def _load(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise BadCheckpoint(f"{path}: reading it needs safetensors: pip install 'lemmata[torch]'") from None
    if not path.is_file():
        raise BadCheckpoint(f"there is no file {path}")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise BadCheckpoint(f"{path} is no safetensors file: {error}") from None


def save(state: Mapping[str, Tensor], path: str | PathLike[str]) -> None:
    """Tensors by name as a safetensors file. Raises BadCheckpoint, OSError."""
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise BadCheckpoint("writing safetensors needs: pip install 'lemmata[torch]'") from None
    save_file({n: x.detach().contiguous() for n, x in state.items()}, fspath(path))
