"""Definitions as a Python file: imports, one documented function each, and a layer for those with weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import PurePath

from lemmata.core.size import Size
from lemmata.emit import layout
from lemmata.emit.dialect import Dialect
from lemmata.emit.expression import size_text
from lemmata.emit.names import Names, size_name
from lemmata.emit.request import Request, Written
from lemmata.emit.stacks import Stack
from lemmata.emit.units import Argument, Unit, Workshop, dimensions
from lemmata.files import put
from lemmata.model.naming import plain

DIALECTS = {
    "numpy": "lemmata.emit.numpy", "torch": "lemmata.emit.torch", "jax": "lemmata.emit.jax",
    "tensorflow": "lemmata.emit.tensorflow",
}  # fmt: skip
INDENT = "    "


def dialect(target: str) -> Dialect:
    """The spelling of a target."""
    found = getattr(import_module(DIALECTS[target]), target.upper())
    assert isinstance(found, Dialect)
    return found


def write(request: Request) -> Written:
    """Writes the definitions as a Python file, those they call before them."""
    shop = Workshop(request.model, dialect(request.target))
    for function in request.functions:
        shop.unit(function)
    units = list(shop.units.values())
    keys = {shop.keys[id(f)]: f for f in request.functions}
    looped = {family.split("#")[1] for u in units for loop in u.source.loops.values() for family in loop.now}
    refusals = [
        shop.refused[key]
        for key, function in keys.items()
        if key in shop.refused and str(function.definition.binding.uid) not in looped
    ]
    remarks: list[str] = []
    if request.check and units:
        from lemmata.emit.trial import agreeing

        units, refused, remarks = agreeing(units, shop.dialect, lambda kept: text(kept, shop.dialect))
        refusals += refused
    if units:
        put(request.out, text(units, shop.dialect).encode("utf-8"))
    return Written(tuple(u.name for u in units), tuple(refusals), remarks)


def text(units: Sequence[Unit], d: Dialect) -> str:
    """The file."""
    wrapper = Wrapper.of(d)
    blocks = []
    for unit in units:
        blocks.append("\n".join(_function(unit, d)))
        if unit.layer:
            blocks += ["\n".join(b) for b in wrapper.layer(unit)]
    helpers = dict.fromkeys(h.strip("\n") for u in units for h in u.helpers)
    body = "\n\n\n".join([*helpers, *blocks])
    if "_uniform(" in body:
        body = wrapper.helper.strip("\n") + "\n\n\n" + body
    path = PurePath(units[0].function.definition.elaboration.document.path)
    title = layout.docstring([f"The definitions of {path.name}."], "")
    head = [*title, "", "from __future__ import annotations", "", *wrapper.imports(body)]
    return "\n".join(head).rstrip() + "\n\n\n" + body + "\n"


def _function(unit: Unit, d: Dialect) -> list[str]:
    arguments = signature(unit, d)
    kind = "float" if unit.value.number else d.tensor
    lines = layout.call(f"def {unit.name}", arguments, f" -> {kind}:", "")
    lines += layout.docstring(documentation(unit, d), INDENT)
    for line in unit.lines:
        text = line.lstrip()
        lines += layout.statement(text, INDENT + " " * (len(line) - len(text)))
    return [*lines, *layout.statement(f"return {unit.value.text}", INDENT)]


def signature(unit: Unit, d: Dialect) -> list[str]:
    """The arguments with their types."""
    found = ["params: Params"] if unit.layer and d.params else []
    for slot in unit.slots:
        if isinstance(slot, Stack):
            found += [] if d.params else [f"{slot.name}: Sequence[Mapping[str, {d.tensor}]]"]
        elif slot.role == "input" or not (unit.layer and d.params):
            found.append(f"{slot.name}: {annotation(slot, d)}")
    return found + [f"{name}: int" for name in unit.asked.values()]


def annotation(argument: Argument, d: Dialect) -> str:
    if argument.kind == "tensor":
        return d.tensor
    return {"index": "int", "float": "float"}.get(argument.kind, f"float | {d.tensor}")


def documentation(unit: Unit, d: Dialect) -> list[str]:
    """The formula, where it stands, and the shapes."""
    letters: dict[str, str] = {}
    formula = [re.sub(r"\s+", " ", line).strip() for line in unit.function.definition.latex.split("\n")]
    lines = [*(x for x in formula if x), "", f"{PurePath(unit.place).name}", "", "Args:"]
    together = []
    for slot in unit.slots:
        role = "weight" if isinstance(slot, Stack) else slot.role
        if isinstance(slot, Stack):
            text = f"{size_text(slot.count, _lettered(slot.count, letters))[0]} of "
            listed = [f"{a.name} {_shape(unit, a, letters, 1)}" for a in slot.arguments]
            text += f"{{{', '.join(listed)}}}"
        else:
            text = _shape(unit, slot, letters)
        if role != "input" and unit.layer and d.params:
            together.append(f"{slot.name} {text}")
        else:
            lines.append(f"{INDENT}{slot.name}: {text}")
    if together:
        lines.insert(lines.index("Args:") + 1, f"{INDENT}params: {', '.join(together)}")
    for atom, name in unit.asked.items():
        letters[atom] = name
        lines.append(f"{INDENT}{name}: a size")
    dots = ["..."] if unit.value.batched else []
    parts = []
    for axis in unit.source.axes:
        size = unit.source.sizes[axis.uid]
        for atom in size.atoms:
            letters.setdefault(atom, atom.strip("?") or "n")
        parts.append(size_text(size, letters)[0])
    inner = ", ".join([*dots, *parts])
    value = "a number" if not inner else f"({inner},)" if len(dots) + len(parts) == 1 else f"({inner})"
    return [*lines, "", "Returns:", f"{INDENT}{value}"]


def _lettered(size: Size, letters: dict[str, str]) -> dict[str, str]:
    return {**{a: a.strip("?") or "n" for a in size.atoms}, **letters}


def _shape(unit: Unit, argument: Argument, letters: dict[str, str], gone: int = 0) -> str:
    """The shape of an argument in words; `gone` leading axes are told elsewhere."""
    if argument.kind == "index":
        return "a whole number, as the document counts"
    if not argument.symbol.shape:
        return "a number"
    shape = dimensions(argument.symbol.shape[gone:], argument.batched, letters)
    return f"{shape}, whole numbers as the document counts" if argument.whole else shape


class Wrapper:
    """What stands around the functions in one library: imports, and a layer for a definition with weights."""

    helper = ""
    """The function that draws fresh weights."""

    def __init__(self, d: Dialect) -> None:
        self.d = d

    @staticmethod
    def of(d: Dialect) -> Wrapper:
        module = import_module("lemmata.emit.layers")
        found = getattr(module, d.name.capitalize(), Wrapper)
        result = found(d)
        assert isinstance(result, Wrapper)
        return result

    def imports(self, body: str) -> list[str]:
        raise NotImplementedError

    def layer(self, unit: Unit) -> list[list[str]]:
        """Blocks of lines: classes or functions that make and hold the weights."""
        raise NotImplementedError


def uses(body: str, name: str) -> bool:
    return re.search(rf"(?<![\w.\"]){re.escape(name)}\b", body) is not None


class Sizes:
    """The sizes of a layer's weights as arguments of what makes them."""

    def __init__(self, unit: Unit, taken: Sequence[str] = ()) -> None:
        names = Names(taken)
        self.names: dict[str, str] = {}
        atoms = [a for x in unit.weights for size in x.symbol.shape for a in _in_order(size)]
        for atom in dict.fromkeys(atoms):
            self.names[atom] = names.new(size_name(atom))

    def count(self, stack: Stack) -> str:
        """How many layers there are."""
        return size_text(stack.count, self.names)[0]

    def given(self, stack: Stack) -> list[str]:
        """The arguments that make one layer."""
        own = stack.sizes()
        return [size_text(own[atom], self.names)[0] for atom in Sizes(stack.holder).names]

    def shape(self, argument: Argument) -> list[str]:
        return [size_text(size, self.names)[0] for size in argument.symbol.shape]


def _in_order(size: object) -> list[str]:
    terms = size.terms  # type: ignore[attr-defined]
    return [a for monomial, _ in terms for a, _ in monomial]


def start(argument: Argument, shape: Sequence[str]) -> str:
    """How a weight starts: `zeros`, `ones`, or the fans of a uniform distribution (Glorot and Bengio 2010)."""
    letter = plain(argument.symbol.name).split("_")[0]
    if letter in ("b", "beta", "c"):
        return "zeros"
    if letter in ("g", "gamma"):
        return "ones"
    own = list(shape[argument.symbol.variable.family :])
    if not own:
        return "zeros"
    return f"{own[0]} + {own[-1]}" if len(own) > 1 else f"{own[0]} + 1"
