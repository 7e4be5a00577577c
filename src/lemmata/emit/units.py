"""Definitions on their way into a file: names, arguments, weights, statements, and which definition calls which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.emit.dialect import Dialect
from lemmata.emit.expression import Expr, size_text
from lemmata.emit.names import Names, class_name, function_name, identifier, size_name
from lemmata.emit.printer import Printer
from lemmata.emit.request import CannotEmit, Refusal
from lemmata.emit.sheet import LONG
from lemmata.emit.stacks import Stack, spread, stacks
from lemmata.emit.symbolic import Source, symbolic
from lemmata.model import Model
from lemmata.model.definitions import Expression, Symbol
from lemmata.model.function import CannotRun, Function
from lemmata.model.naming import plain
from lemmata.model.weights import counts, declared
from lemmata.program.graph import ordered
from lemmata.program.node import Node

WEIGHTS = frozenset({"W", "w", "b", "theta", "beta", "gamma"})
"""Letters of weights wherever they stand."""
DATA = frozenset("X x Y y Z z Q K V q k M m H h S s T t D P p A lambda tau alpha eta".split())
"""Letters of data, among the symbols that a function does not take as parameters."""
EXAMPLES = frozenset("X x Y y Z z".split())
"""Letters of data even where they are indexed."""
SMALL = ("epsilon", "varepsilon")


class Argument(Struct):
    """A symbol of the definition as an argument of the function in Python."""

    symbol: Symbol
    name: str
    role: str
    """`input`, `weight`, or `number` for a constant that belongs to the weights."""
    kind: str = "tensor"
    """`tensor`, `number` (of Python or the library), `float`, `index` (a whole number)."""

    table: bool = False
    """Whether its rows are picked by data, as those of an embedding."""
    whole: bool = False
    """Whether its elements are places of something, whole numbers."""

    @property
    def batched(self) -> bool:
        """Whether batch axes may stand in front of it."""
        return (
            bool(self.symbol.shape) and self.role == "input" and letter(self.symbol) not in WEIGHTS and not self.table
        )

    @property
    def small(self) -> bool:
        return plain(self.symbol.name) in SMALL


class Unit(Struct):
    """One definition in the file."""

    function: Function
    source: Source
    name: str
    class_name: str
    arguments: list[Argument]
    asked: dict[str, str]
    """Sizes that no argument tells, with the names of their arguments."""
    layer: bool
    """Whether what it does not take as parameters are weights, so that it makes a layer."""
    stacks: list[Stack] = msgspec.field(default_factory=list)
    lines: list[str] = msgspec.field(default_factory=list)
    value: Expr = msgspec.field(default_factory=lambda: Expr(""))
    helpers: dict[str, None] = msgspec.field(default_factory=dict)
    calls: list[Unit] = msgspec.field(default_factory=list)

    @property
    def weights(self) -> list[Argument]:
        return [a for a in self.arguments if a.role != "input"]

    @property
    def inputs(self) -> list[Argument]:
        return [a for a in self.arguments if a.role == "input"]

    @property
    def slots(self) -> list[Argument | Stack]:
        """The arguments of the function, weights of layers together."""
        homes = {a.name: stack for stack in self.stacks for a in stack.arguments}
        found = [homes.get(a.name, a) for a in self.arguments]
        return list({id(x): x for x in found}.values())

    @property
    def steps(self) -> list[str]:
        """Sizes that count layers or steps."""
        return sorted({a for loop in self.source.loops.values() for a in loop.steps.atoms})

    @property
    def place(self) -> str:
        definition = self.function.definition
        return f"{definition.elaboration.document.path}:{definition.line}"


@dataclass
class Workshop:
    """Makes units from definitions, each once, and remembers why others could not be made."""

    model: Model
    dialect: Dialect
    names: Names = field(init=False)
    units: dict[str, Unit] = field(default_factory=dict)
    """By the key of the function in the model; callees before their callers."""
    refused: dict[str, Refusal] = field(default_factory=dict)
    active: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = Names(self.dialect.keywords)
        self.keys = {id(f): key for key, f in self.model.functions.items()}
        self.called = {f.definition.binding.uid: f for f in self.model}

    def unit(self, function: Function) -> Unit | None:
        """The definition, ready to be written; None where it cannot be, with the reason in `refused`."""
        key = self.keys[id(function)]
        if key in self.units:
            return self.units[key]
        if key in self.refused or key in self.active:
            return None
        self.active.append(key)
        try:
            found = self._made(function)
        except (CannotEmit, CannotRun) as error:
            prefix = f"{function.name} (line {function.definition.line}): "
            self.refused[key] = Refusal(function.name, function.definition.line, str(error).removeprefix(prefix))
            return None
        finally:
            self.active.pop()
        self.units[key] = found
        return found

    def _made(self, function: Function) -> Unit:
        """The definition; of a family of values all members at once, where its indices have ranges."""
        if function.definition.family:
            self.keys[id(function.whole)] = self.keys[id(function)]
            try:
                return self._unit(function.whole)
            except (CannotEmit, CannotRun):
                pass
        return self._unit(function)

    def _unit(self, function: Function) -> Unit:
        expression = self.read(function)
        callees: dict[str, Unit] = {}

        def lookup(term: t.Apply) -> Source | None:
            callee = self.callee(term, expression)
            if callee is not None:
                callees[self.keys[id(callee.function)]] = callee
            return None if callee is None else callee.source

        source = symbolic(function, expression, lookup, self.model.fuse)
        used_here = [c.callee for c in source.calls.values()]
        light = {c.function.definition.binding.uid: c for c in used_here if not c.weighty}
        if light and self.model.fuse:
            inside = symbolic(function, expression, lambda x: None if x.definition in light else lookup(x))
            if inside.recognised > source.recognised + sum(c.recognised for c in light.values()):
                source = inside
        unit = self.described(function, source)
        used = {self.keys[id(c.callee.function)] for c in source.calls.values()}
        unit.calls = [callees[key] for key in sorted(used, key=list(callees).index)]
        taken = [*self.dialect.keywords, *(a.name for a in unit.arguments), *(c.name for c in unit.calls)]
        unit.stacks = list(stacks(unit, Names([*taken, *unit.asked.values(), unit.name])))
        self.write(unit)
        return unit

    @staticmethod
    def read(function: Function) -> Expression:
        """The reading by convention; of undeclared parameters as matrices or vectors where it has none."""
        try:
            return function.expression
        except CannotRun:
            for rank in (2, 1):
                try:
                    return function.read(dict.fromkeys(function.parameters, rank))
                except CannotRun:
                    continue
            raise

    def callee(self, term: t.Apply, caller: Expression) -> Unit | None:
        """The definition that an application calls, where calling it is the same as writing its body here."""
        found = self.called.get(term.definition)
        given = (*term.indices, *term.args)
        if found is None or len(found.parameters) != len(given) or not term.args:
            return None
        if not all(map(_is_place, term.indices)):
            return None
        unit = self.unit(found)
        if unit is None or unit.asked or _is_one_call(unit.source):
            return None
        mine = unit.source.expression
        if not _fits(term, unit):
            return None
        known = {x.variable.key: x for x in caller.symbols}
        if not all(x.variable.key in known for x in mine.free):
            return None
        parameters = {x.variable.key for x in caller.parameters}
        return None if any(x.variable.key in parameters for x in mine.free) else unit

    def described(self, function: Function, source: Source) -> Unit:
        """The unit with names and roles of its arguments."""
        expression = source.expression
        own = Names(self.dialect.keywords)
        picked = _tables(source)
        parameters = {x.name for x in expression.parameters}
        weights = _weights(source, picked)
        arguments = []
        for symbol, _, _ in source.inputs:
            free = symbol.name not in parameters
            role = "input" if symbol.name not in weights else "weight" if symbol.shape else "number"
            name = own.new(identifier(symbol.latex if free else symbol.name, "x"))
            kind = "tensor" if symbol.shape else "number"
            arguments.append(Argument(symbol, name, role, kind, symbol.name in picked))
        if source.loops:  # what the first step needs is read after what all steps need
            arguments.sort(key=lambda a: declared(a.symbol) if a.symbol.name not in parameters else -1)
        arguments.sort(key=lambda a: a.role != "input")
        layer = any(a.role == "weight" for a in arguments)
        if not layer:
            for argument in arguments:
                argument.role = "input"
        steps = [loop.steps for loop in source.loops.values()]
        needed = {x for size in (*source.sizes.values(), *source.numbers.values(), *steps) for x in size.atoms}
        asked = {a: own.new(size_name(a)) for a in source.asked if a in needed}
        key = self.keys[id(function)]
        latex = function.definition.binding.latex if ":" in key else function.name
        name = self.names.new(function_name(latex, "f"))
        made = class_name(latex, "Module")
        made = self.names.new(made if made != name else f"{made}Layer") if layer else ""
        return Unit(function, source, name, made, arguments, asked, layer)

    def write(self, unit: Unit) -> None:
        """The statements. Raises CannotEmit."""
        taken = [a.name for a in unit.arguments] + list(unit.asked.values()) + [u.name for u in unit.calls]
        taken += [stack.name for stack in unit.stacks]
        names = Names([*self.dialect.keywords, *taken, unit.name, "params"])
        together = unit.layer and self.dialect.params
        symbols = {}
        for argument in unit.arguments:
            text = f'params["{argument.name}"]' if together and argument.role != "input" else argument.name
            symbols[argument.symbol.name] = Expr(text, batched=argument.batched)
        for atom, name in unit.asked.items():
            symbols[f"size {atom}"] = Expr(name)
        printer = Printer(unit.source, self.dialect, symbols, names, self.call_text)
        for stack in unit.stacks:
            text = f'params["{stack.name}"]' if together else stack.name
            printer.stacked |= {a.symbol.name: (text, a.name) for a in stack.arguments}
        printer.caller = unit
        unit.lines, unit.value = printer.write()
        unit.helpers = printer.helpers
        for argument in unit.arguments:
            demands = printer.demands.get(argument.symbol.name, set())
            if argument.kind == "number" and demands:
                argument.kind = next(k for k in ("index", "float", "tensor") if k in demands)
            argument.whole = argument.kind == "tensor" and "index" in demands
        numbers = [a for a in unit.arguments if a.kind != "index"]
        if numbers and all(a.kind == "number" for a in numbers):
            for argument in numbers:
                argument.kind = "tensor"

    def call_text(self, printer: Printer, node: Node, parts: Sequence[Expr]) -> str:
        """A call of another definition of the file."""
        call = printer.source.calls[node.uid]
        callee = self.units[self.keys[id(call.callee.function)]]
        given = {}
        for (name, value), part in zip(call.arguments, parts, strict=True):
            around = tuple(a for a in call.free if a in part.layout)
            laid = printer.exactly(part, (*around, *value.axes)) if value.axes else part
            text = printer.lay(laid, (*call.free, *value.axes)).text
            given[name] = text if len(text) <= LONG else printer.assign("argument", Expr(text)).text
        keys = {s.variable.key: s.name for s, _, _ in printer.source.inputs}
        nodes = {node.attr("name"): axes for _, node, axes in printer.source.inputs}
        for argument in callee.arguments:
            if argument.symbol.name not in given:
                name = keys[argument.symbol.variable.key]
                own = printer.symbols[name]
                if argument.batched:
                    laid = Expr(own.text, layout=nodes[name], batched=own.batched)
                    own = printer.lay(laid, (*call.free, *nodes[name]))
                given[argument.symbol.name] = own.text
        own_stacks = printer.caller.stacks if printer.caller is not None else []
        if callee.layer and self.dialect.params:
            weights = {a.name: given[a.symbol.name] for a in callee.weights}
            layers, rest = spread(weights, own_stacks)
            if all(text == f'params["{name}"]' for name, text in weights.items()):
                first = "params"
            elif len(layers) == 1 and not rest:
                first = layers[0]
            else:
                items = [*(f"**{layer}" for layer in layers), *(f'"{name}": {text}' for name, text in rest.items())]
                first = f"{{{', '.join(items)}}}"
            return f"{callee.name}({', '.join([first, *(given[a.symbol.name] for a in callee.inputs)])})"
        layers, rest = spread({a.name: given[a.symbol.name] for a in callee.arguments}, own_stacks)
        texts, named = [], False
        for argument in callee.arguments:
            if argument.name in rest:
                texts.append(f"{argument.name}={rest[argument.name]}" if named else rest[argument.name])
            else:
                named = True
        return f"{callee.name}({', '.join([*texts, *(f'**{layer}' for layer in layers)])})"


def _weights(source: Source, picked: set[str]) -> set[str]:
    """The symbols that a layer holds: all but its parameters and data.

    Without data that the document declares as whole numbers, tokens or masks, a definition with a symbol that may be
    data holds nothing.
    """
    expression = source.expression
    parameters = {x.name for x in expression.parameters}
    families = {x.name for x in expression.symbols if x.variable.family}
    free = [x for x, _, _ in source.inputs if x.name not in parameters]
    counted = {x.name for x in free if counts(x)}
    data = counted | {x.name for x in free if x.shape and _of_data(x, x.name in families, x.name in picked)}
    told = counted or (not parameters and source.loops)
    if data - counted and not told or not (parameters or told and data):
        return set()
    weights = {x.name for x in free} - data
    return weights if any(x.name in weights and x.shape for x in free) else set()


def _of_data(symbol: Symbol, family: bool, picked: bool) -> bool:
    """Whether a symbol has a letter of data; families and tables have only where no weight would be called so."""
    return letter(symbol) in (EXAMPLES if family or picked else DATA)


def _tables(source: Source) -> set[str]:
    """Inputs of which data say which rows are taken."""
    found = set()
    for node in source.everything:
        if node.op == "take" and node.args[0].op == "input":
            if any(n.op == "input" and n.axes for n in ordered([node.args[1]])):
                found.add(str(node.args[0].attr("name")))
    return found


def _is_place(index: t.Term) -> bool:
    """Whether an index is one number, rather than all values of a running index."""
    if isinstance(index, t.Op):
        return all(map(_is_place, index.args))
    return isinstance(index, t.SizeNum | t.Num | t.Input) and not index.type.rank


def _fits(term: t.Apply, unit: Unit) -> bool:
    """Whether a call is about arguments such as the definition has, or about rows of matrices for its vectors."""
    parameters = unit.source.expression.parameters[len(term.indices) :]
    ranks = [len(p.shape) for p in parameters]
    more = {x.type.rank - rank for x, rank in zip(term.args, ranks, strict=True)}
    if 0 in ranks and any(ranks):
        return False
    if more == {0}:
        return term.type.rank == len(unit.source.axes)
    rows = {a.symbol.name for a in unit.arguments if a.batched and len(a.symbol.shape) == 1}
    lifted = [p.name for p, x, rank in zip(parameters, term.args, ranks, strict=True) if x.type.rank > rank]
    return more <= {0, 1} and rows.issuperset(lifted) and term.type.rank == len(unit.source.axes) + 1


def letter(symbol: Symbol) -> str:
    return plain(symbol.name).split("_")[0]


def _is_one_call(source: Source) -> bool:
    """A definition that is one of the catalogue's operations is written as that operation."""
    inner = [n for n in ordered([source.output]) if n.op not in ("input", "rename", "broadcast", "constant")]
    return len(inner) == 1 and inner[0].op == "call" and inner[0].attr("name") != "attention"


def dimensions(shape: Sequence[Size], batched: bool, letters: dict[str, str]) -> str:
    """A shape for the documentation: (..., n, d_k)."""
    parts = []
    for size in shape:
        for atom in size.atoms:
            if atom not in letters:
                own = atom.strip("?0123456789:")
                free = next(x for x in "abcdefghijklmnopqrstuvwxyz" if x not in letters.values())
                letters[atom] = own if own and not atom.startswith("?") else free
        text, _ = size_text(size, letters)
        parts.append(text)
    dots = ["..."] if batched else []
    inner = ", ".join([*dots, *parts])
    return f"({inner},)" if len(dots) + len(parts) == 1 else f"({inner})"
