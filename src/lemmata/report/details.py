"""What `explain` adds to a result: every reading, the shape of each part, the program and what was recognised in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lemmata.elaborate.statement import Reading, Statement
from lemmata.lower.problem import ReadingProblem
from lemmata.program.graph import nodes
from lemmata.program.node import Node
from lemmata.report.spelling import chain, shape, shapes, spell
from lemmata.verify.problem import CannotLower
from lemmata.verify.sizes import NoSizes, assignments

MOST_NODES = 40


def understanding(statement: Statement) -> tuple[tuple[str, str], ...]:
    """(label, text) lines about one statement."""
    return tuple(_details(statement))


def _details(statement: Statement) -> Iterator[tuple[str, str]]:
    for part, its_shape in statement.shapes:
        yield "shape", f"{part} : {its_shape}"
    for number, reading in enumerate(statement.readings, 1):
        yield f"reading {number}", chain(reading) + (f"   ({reading.note})" if reading.note else "")
    for failure in statement.unread:
        yield "unread", failure
    if statement.outline is not None:
        yield "outline", "\n".join(("typed as it stands, with what is left open:", *statement.outline))
    for guard in statement.guards:
        yield "unused", f"“{guard}” did not become an assumption"
    if statement.readings:
        yield from _first(statement.readings[0])


def _first(reading: Reading) -> Iterator[tuple[str, str]]:
    lines = [f"{part} : {its_shape}" for part, its_shape in shapes(reading.sides, reading.solution)]
    yield "shapes", "\n".join(lines)
    for condition in reading.conditions:
        yield "where", spell(condition)
    for left, relation, right in reading.rules:
        yield "where", f"{left} {relation} {right}"
    for variable in reading.guessed:
        yield "guessed", f"{variable.latex} : {shape(variable.type, reading.solution)}"
    yield from _program(reading)


def _program(reading: Reading) -> Iterator[tuple[str, str]]:
    """The tensor program at the preferred sizes."""
    try:
        problem = ReadingProblem(reading)
        sizes = assignments(problem, 1)[0]
        instance = problem.instance(sizes)
    except (CannotLower, NoSizes) as error:
        yield "program", f"none: {error}"
        return
    order = nodes(*instance.sides)
    calls = list(dict.fromkeys(str(n.attr("name")) for n in order if n.op == "call"))
    if calls:
        yield "calls", ", ".join(calls)
    at = ", ".join(f"{name} = {value}" for name, value in sizes.items())
    shown = _listing(order, instance.sides)
    yield "program", "\n".join(([f"at {at}"] if at else []) + shown)


def _listing(order: Sequence[Node], sides: Sequence[Node]) -> list[str]:
    """One line a node: its number, operation, arguments, axes. What stands inside a call is left out."""
    wanted: set[int] = set()
    stack = list(sides)
    while stack:
        node = stack.pop()
        if node.uid not in wanted:
            wanted.add(node.uid)
            stack.extend(node.args[:-1] if node.op == "call" else node.args)
    kept = [n for n in order if n.uid in wanted]
    number = {n.uid: f"%{at}" for at, n in enumerate(kept, 1)}
    lines = []
    for node in kept[:MOST_NODES]:
        args = " ".join(number[a.uid] for a in (node.args[:-1] if node.op == "call" else node.args))
        attrs = dict(node.attrs)
        name = attrs.get({"call": "name", "input": "name", "constant": "value"}.get(node.op, ""))
        head = f"{node.op} {name}" if name is not None else node.op
        over = attrs.get("over")
        along = " over " + " ".join(a.label for a in over) if isinstance(over, tuple) else ""
        axes = " × ".join(f"{a.label}={a.size}" for a in node.axes) or "number"
        lines.append(f"{number[node.uid]:>4} = {head} {args}".rstrip() + f"{along}  : {axes}")
    if len(kept) > MOST_NODES:
        lines.append(f"     … {len(kept) - MOST_NODES} more")
    return [*lines, "sides " + ", ".join(number[s.uid] for s in sides)]
