"""`lemmata compile`: the definitions of a document, written for another library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lemmata.emit.request import Writer
    from lemmata.model import Model
    from lemmata.model.function import Function

WRITERS = {
    "numpy": ("lemmata.emit.source", "write"),
    "torch": ("lemmata.emit.source", "write"),
    "jax": ("lemmata.emit.source", "write"),
    "tensorflow": ("lemmata.emit.source", "write"),
    "onnx": ("lemmata.emit.deploy", "write"),
    "savedmodel": ("lemmata.emit.deploy", "write"),
    "xlsx": ("lemmata.sheets.request", "write"),
}
"""What writes each format: a module, imported only then, and its function from a `Request` to what was `Written`."""


@click.command("compile")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--to", "target", type=click.Choice(list(WRITERS)), required=True, help="The format.")
@click.option(
    "-o", "--output", "out", type=click.Path(path_type=Path), required=True, metavar="OUT",
    help="The file to write.",
)  # fmt: skip
@click.option("--functions", default="", metavar="NAMES", help="Of all definitions, only these: f,g.")
@click.option("--sizes", default="", metavar="SIZES", help="Sizes for formats that hold shapes: n=4,d_k=8.")
@click.option(
    "--weights", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
    help="Weights by the document's names (.safetensors, .npz), for formats that hold them.",
)  # fmt: skip
@click.option("--fuse/--no-fuse", default=True, help="Recognise a framework's own operations in definitions.")
@click.option("--check/--no-check", default=True, help="Run what was written and compare it with the document.")
@click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Seed of the numbers that a workbook begins with."
)
def compile_command(
    file: str, target: str, out: Path, functions: str, sizes: str, weights: Path | None, fuse: bool, check: bool,
    seed: int,
) -> None:  # fmt: skip
    """Write the definitions of FILE as code or as a model: `lemmata compile notes.md --to torch -o model.py`.

    Exit status: 0 everything asked for is written, 1 some of it is not, 2 nothing is.
    """
    from lemmata.emit.request import Request, Unavailable
    from lemmata.model import load

    try:
        model = load(file, fuse=fuse)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if out.is_dir() and target != "savedmodel":
        raise click.UsageError(f"{out} is a folder; {target} is written to a file")
    chosen = _chosen(model, functions, file)
    module, name = WRITERS[target]
    writer: Writer = getattr(import_module(module), name)
    try:
        written = writer(Request(model, chosen, out, target, _sizes(sizes), weights, check, seed))
    except (Unavailable, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {out}: {error.strerror or error}") from None
    for refusal in written.refusals:
        click.echo(f"{file}:{refusal.line}: {refusal.name} is not written: {refusal.reason}", err=True)
    if not written.names:
        raise click.UsageError(f"nothing in {file} could be written")
    click.echo(f"{out}: {', '.join(written.names)}")
    for remark in written.remarks:
        click.echo(f"  {remark}")
    if written.refusals:
        raise SystemExit(1)


def _chosen(model: Model, names: str, file: str) -> tuple[Function, ...]:
    """The definitions asked for, or all. Raises UsageError for one that is not there."""
    functions = tuple(sorted(model, key=lambda f: f.definition.line))
    if not functions:
        raise click.UsageError(f"{file} defines nothing: it has no formula such as f(x) = … or y = …")
    if not names.strip():
        return functions
    found = []
    for name in _list(names):
        try:
            found.append(model[name])
        except KeyError as error:
            known = ", ".join(dict.fromkeys(f.name for f in functions))
            near = get_close_matches(name, [f.name for f in functions], n=1, cutoff=0.5)
            message = str(error.args[0])
            if near and "did you mean" not in message:
                message += f"; did you mean {near[0]}?"
            raise click.UsageError(f"{message} (it defines {known})") from None
    return tuple(dict.fromkeys(found))


def _list(text: str) -> Sequence[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sizes(text: str) -> dict[str, int]:
    found = {}
    for part in _list(text):
        name, mark, value = part.partition("=")
        if not mark or not re.fullmatch("0*[1-9][0-9]{0,8}", value.strip()):
            raise click.UsageError(f"expected sizes such as n=4,d_k=8, not {part!r}")
        found[name.strip()] = int(value)
    return found
