"""`lemmata compile --to xlsx`."""

from __future__ import annotations

from lemmata.emit.request import Refusal, Request, Unavailable, Written
from lemmata.sheets import writer


def write(request: Request) -> Written:
    """The definitions asked for as a workbook, a sheet for each. Raises Unavailable, OSError, ValueError."""
    try:
        found = writer.write(request.model, request.functions, request.out, request.sizes, request.seed)
    except ImportError as error:
        raise Unavailable(str(error)) from error
    refusals = tuple(Refusal(x.name, x.line, x.reason) for x in found.left_out)
    remarks = [f"{title}: {_steps(one)}" for title, one in found.sheets.items()]
    return Written(tuple(one.function.name for one in found.sheets.values()), refusals, remarks)


def _steps(one: writer.Sheet) -> str:
    """What is on a sheet, in a line."""
    steps = sum(step.role != "input" for step in one.plan.steps)
    shapes = [
        f"{step.node.attr('name')} {' × '.join(str(axis.size) for axis in step.node.axes) or 'a number'}"
        for step in one.plan.steps
        if step.role == "input"
    ]
    return f"{steps} step{'s' * (steps != 1)} from {', '.join(shapes) or 'no inputs'}"
