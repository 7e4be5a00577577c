"""`lemmata train FILE`: train what a document defines; thin over `lemmata.training`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lemmata.training.loop import Report

STOPPED = 130


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--data", metavar="TASK|FILE", help="reverse, sort, dates, numbers; or examples, two columns with a tab.")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="How many steps to take in all.")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Examples in a step, over all processes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the run [default: runs/NAME].",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder of the run, if there is one.")
@click.option("--seed", type=int, metavar="N", help="Of weights, data and order [default: 0].")
@click.option(
    "--precision", type=click.Choice(["float32", "bf16", "fp16"]), help="Of matrix products [default: float32]."
)
@click.option("--fuse/--no-fuse", default=True, help="Recognise a framework's own operations in definitions.")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps [default: cuda where there is one].")
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False), metavar="YAML", help="Settings beside the document's."
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting: --set clip=1 --set sizes.d=64."
)
def train(
    file: str,
    data: str | None,
    steps: int | None,
    batch: int | None,
    out: Path | None,
    resume: bool,
    seed: int | None,
    precision: str | None,
    fuse: bool,
    device: str | None,
    config: str | None,
    settings: tuple[str, ...],
) -> None:
    """Train the model that FILE defines: its loss, its update rule and its schedule are executed as they stand.

    What the symbols mean is said in the document's front matter under `lemmata: train:`, see docs/training.md. The
    folder of the run holds the checkpoint, the figures step by step and, where tensorboard is installed, its events.
    Several processes: torchrun --nproc-per-node 2 -m lemmata train FILE.

    Exit status: 0 trained, 2 settings that do not fit or a document without a model, 130 stopped (and saved).
    """
    try:
        from lemmata.training.loop import Diverged, run
        from lemmata.training.setup import setup
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise click.ClickException("training needs PyTorch: pip install 'lemmata[train]'") from None
    import lemmata

    given: dict[str, Any] = {"data": data, "steps": steps, "batch": batch, "seed": seed, "precision": precision}
    try:
        model = lemmata.load(file, fuse=fuse)
        chosen = setup(model, {**given, **_settings(settings, setup(model, given, config))}, config)
        report = run(model, chosen, out or Path("runs") / Path(file).stem, resume=resume, device=device)
    except (ValueError, OSError, Diverged) as error:
        raise click.ClickException(" ".join(str(error).split())) from None
    if report.interrupted:
        click.echo(f"stopped after step {report.steps}; --resume goes on from there", err=True)
        sys.exit(STOPPED)
    _tell(report)


def _settings(given: tuple[str, ...], chosen: Any) -> dict[str, Any]:
    """NAME=VALUE as a setting; NAME.KEY=VALUE adds to a setting that is a list by name. Raises UsageError."""
    import yaml

    found: dict[str, Any] = {}
    for one in given:
        name, sign, text = one.partition("=")
        if not sign:
            raise click.UsageError(f"--set takes NAME=VALUE, such as --set clip=1, not {one!r}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        name, _, key = name.partition(".")
        if key:
            before = found.get(name, getattr(chosen, name, {}))
            if not isinstance(before, dict):
                raise click.UsageError(f"--set {one}: {name} is one value and has no {key}")
            found[name] = {**before, key: value}
        else:
            found[name] = value
    return found


def _tell(report: Report) -> None:
    if not report.losses and report.held_out_loss is None:
        return
    if report.losses:
        click.echo(
            f"loss {report.losses[0][1]:.4f} -> {report.losses[-1][1]:.4f} in {len(report.losses)} steps, "
            f"{report.seconds:.0f} s, {report.tokens_per_second:,.0f} tokens a second"
        )
    if report.held_out_loss is not None:
        right = "" if report.right is None else f", {report.right:.1%} exactly right"
        click.echo(f"held out: loss {report.held_out_loss:.4f}{right}")
    for source, target, said in report.shown:
        click.echo(
            f"  {'✓' if said == target else '✗'} {source} -> {said}" + ("" if said == target else f" ({target})")
        )
