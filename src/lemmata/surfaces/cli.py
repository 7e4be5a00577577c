"""The command line: `lemmata check`, `explain`, `replay`, `derive` and `compile`, each on a document."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from msgspec.structs import asdict

from lemmata.report.explain import Details
from lemmata.report.result import DocumentResult, StatementResult
from lemmata.surfaces import recording, run
from lemmata.surfaces.cache import DIRECTORY, Cache
from lemmata.surfaces.compile import compile_command
from lemmata.surfaces.discover import NoSuchPath, documents
from lemmata.surfaces.run import Options, Outcome
from lemmata.surfaces.train import train
from lemmata.version import VERSION

REFUTED, UNREADABLE, MISTAKEN, INTERRUPTED, UNREAD = 1, 2, 3, 130, 141


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, "-V", "--version", prog_name="lemmata", message="%(prog)s %(version)s")
def cli() -> None:
    """Read the mathematics of documents as a program, run it, and say of every claim whether it holds."""


cli.add_command(compile_command)


def _number(context: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuses what is in no range."""
    if value != value:
        raise click.BadParameter("nan is not in the range")
    return value


_seed = click.option(
    "--seed", default=0, show_default=True, metavar="N", help="Seed of the values that claims are tried on."
)
_code = click.option("--code/--no-code", default=True, help="Run code cells; not for documents you do not trust.")
_framework = click.option(
    "--framework", default="", metavar="NAME", help="Of cells for several frameworks, run those of this one."
)
_kernel = click.option("--kernel", default="", metavar="NAME", help="Run code cells in this Jupyter kernel.")
_timeout = click.option(
    "--timeout", type=click.FloatRange(0.1, 86_400), callback=_number, default=30.0, show_default=True,
    metavar="SECONDS", help="Wall time of a code cell; the document has four times as long.",
)  # fmt: skip


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-j", "--jobs", type=click.IntRange(1), default=None, metavar="N", help="Documents at a time [default: cores]."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl", "sarif", "junit", "github"]),
    default="text",
    show_default=True,
    help="For people; one JSON object a line; code scanning; test reporters; GitHub annotations.",
)
@click.option("--fix", is_flag=True, help="Offer verified corrections of what is refuted, one by one.")
@click.option("--yes", is_flag=True, help="With --fix: take the nearest correction of each without asking.")
@click.option("--strict", is_flag=True, help="Fail for unchecked claims as for refuted ones.")
@click.option("--cache/--no-cache", "use_cache", default=True, help="Use results of earlier runs.")
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    default=Path(DIRECTORY),
    envvar="LEMMATA_CACHE_DIR",
    show_default=True,
)
@click.option("-v", "--verbose", is_flag=True, help="Show evidence, readings, and what was assumed.")
@click.option("-q", "--quiet", is_flag=True, help="Show refutations only.")
@click.option(
    "--record", "record_", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write what was found, and with what, to a small text file.",
)  # fmt: skip
@click.option(
    "--against", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="RECORD",
    help="Say what has changed since a record was written; fail if anything has.",
)  # fmt: skip
@click.option("--lint", is_flag=True, help="Also say what would be read more easily in another notation.")
@_seed
@_code
@_framework
@_kernel
@_timeout
def check(
    paths: tuple[str, ...],
    jobs: int | None,
    format_: str,
    fix: bool,
    yes: bool,
    strict: bool,
    use_cache: bool,
    cache_dir: Path,
    verbose: bool,
    quiet: bool,
    record_: Path | None,
    against: Path | None,
    lint: bool,
    seed: int,
    code: bool,
    framework: str,
    kernel: str,
    timeout: float,
) -> None:
    """Check every claim of the documents at PATH... (files, or folders with .md, .mdx, .qmd, .rst and .ipynb files).

    Python files, whose comments and docstrings are read, are checked where they are named.

    Exit status: 0 nothing refuted, 1 something refuted (or, with --against, changed), 2 usage or unreadable input.
    """
    _fix_options(fix, yes, format_)
    before = recording.read(against) if against is not None else None
    started = time.perf_counter()
    try:
        found = documents(paths)
    except NoSuchPath as error:
        raise click.UsageError(str(error)) from None
    options = Options(seed=seed, code=code, lint=lint, framework=framework.lower(), kernel=kernel, timeout=timeout)
    cache = Cache(cache_dir, asdict(options)) if use_cache else None
    with _progress(len(found)) as done:
        outcomes = run.run(found, options, cache, jobs or os.cpu_count() or 1, done)
    if cache is not None and not all(o.cached for o in outcomes):
        cache.prune()
    results = [o.result for o in outcomes]
    if format_ == "text":
        _text(outcomes, time.perf_counter() - started, 0 if quiet else 2 if verbose else 1)
    else:
        _for_programs(results, format_, strict)
    if fix:
        results = _fix(results, yes, lambda paths: [o.result for o in run.run(paths, options, cache)])
    changed = recording.record(results, options, before, str(against), record_, format_)
    sys.exit(max(_status(results, strict), REFUTED if changed else 0))


@cli.command()
@click.argument("place", metavar="FILE:LINE")
@_seed
@_code
@_framework
@_kernel
@_timeout
@click.option("--fuse/--no-fuse", default=True, help="Recognise a framework's own operations in definitions.")
def explain(place: str, seed: int, code: bool, framework: str, kernel: str, timeout: float, fuse: bool) -> None:
    """Explain how the mathematics on a line was understood, judged, and runs (notebooks: FILE:CELL:LINE)."""
    from lemmata.report import explain as report
    from lemmata.report.terminal import writer

    options = Options(seed=seed, code=code, framework=framework.lower(), kernel=kernel, timeout=timeout)
    result, places, details = _on_line(place, options, fuse)
    writer(sys.stdout).write(report.explain(result, places, details))


@cli.command()
@click.argument("place", metavar="FILE:LINE")
@_seed
def replay(place: str, seed: int) -> None:
    """Print the counterexample to a refuted claim as a NumPy program (notebooks: FILE:CELL:LINE).

    The program needs nothing but NumPy, and prints the two sides: lemmata replay notes.md:14 | python
    """
    result, places, details = _on_line(place, Options(seed=seed, code=False))
    programs = [text for at in places for label, text in details.get(at, ()) if label == "replay"]
    if not programs:
        refuted = [result.statements[at] for at in places if result.statements[at].verdict == "refuted"]
        why = "its sides do not have one shape, so neither has a value" if refuted else "nothing on it is refuted"
        raise click.UsageError(f"there is nothing to replay on {place}: {why}")
    click.echo("\n".join(programs), nl=False)


@cli.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.argument("function", metavar="FUNCTION")
@click.argument("variable", metavar="VARIABLE")
@click.option("--hessian", is_flag=True, help="The second derivative.")
@click.option("--steps", is_flag=True, help="Show the chain rule: the derivative at each value on the way.")
@_seed
def derive(file: str, function: str, variable: str, hessian: bool, steps: bool, seed: int) -> None:
    """Derive the gradient or Jacobian of a FUNCTION that FILE defines with respect to VARIABLE.

    Names are those of the document, with or without backslashes and fonts: `lemmata derive notes.md L w`. The result
    is LaTeX in the document's notation, and is checked like a claim of the document before it is printed.

    Exit status: 0 derived and verified, 1 derived but not verified, 2 nothing derived.
    """
    from lemmata.derive.derivation import Underivable
    from lemmata.derive.request import lines
    from lemmata.pipeline import derive as run_derive

    try:
        found = run_derive(file, function, variable, order=2 if hessian else 1, steps=steps, seed=seed)
    except Underivable as error:
        raise click.UsageError(str(error)) from None
    for line in lines(found):
        click.echo(line)
    sys.exit(0 if found.result.verdict.kind == "verified" else REFUTED)


cli.add_command(train)


def main() -> NoReturn:
    """Entry point of the console script and of `python -m lemmata`: no traceback, and a status that tells.

    Beside those of the commands: 2 for output that cannot be written, 3 for a mistake of ours, 130 after Ctrl-C, 143
    and 129 after being ended, 141 where nobody reads the output any more.
    """
    run.collect_rarely()
    _streams()
    _leave_when_ended()
    status = 0
    try:
        try:
            cli.main(standalone_mode=False)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):  # click has met a closed pipe
            raise BrokenPipeError
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = UNREADABLE
    except (click.Abort, KeyboardInterrupt):
        kept = "; documents that were done are in the cache" if sys.argv[1:2] == ["check"] else ""
        click.echo(f"interrupted{kept}", err=True)
        status = INTERRUPTED
    except BrokenPipeError:
        _silence()
        status = UNREAD
    except OSError as error:
        _silence()
        where = f"{error.filename}: " if error.filename else "the output: "
        click.echo(f"Error: cannot read or write {where}{error.strerror or error}", err=True)
        status = UNREADABLE
    except Exception as error:
        if os.environ.get("LEMMATA_DEBUG"):
            raise
        click.echo(f"Error: {run.mistake(error)}", err=True)
        status = MISTAKEN
    sys.exit(status)


def _streams() -> None:
    """Streams that take any character; where one was closed before the start, one that takes everything."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _silence() -> None:
    """What is still waiting to be written goes nowhere, so that the end of the process does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _leave_when_ended() -> None:
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        main_thread = threading.current_thread() is threading.main_thread()
        if number is not None and main_thread and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _ended)


def _ended(number: int, frame: object) -> None:
    """Being ended from outside is left by the usual way, so that workers do not stay behind."""
    sys.exit(128 + number)


def _place(place: str) -> tuple[str, int | None, int]:
    """FILE:LINE or FILE:CELL:LINE."""
    found = re.fullmatch(r"(.+?)(?::([0-9]{1,9}))?:([0-9]{1,9})", place, re.DOTALL)
    if found is None:
        raise click.UsageError(f"expected FILE:LINE, such as notes.md:14, not {place!r}")
    file, cell, line = found[1], None if found[2] is None else int(found[2]), int(found[3])
    if not os.path.isfile(file):
        raise click.UsageError(f"no such file: {file}")
    return file, cell, line


def _on_line(place: str, options: Options, fuse: bool = True) -> tuple[DocumentResult, tuple[int, ...], Details]:
    """The result of the document, the statements on the line and what else is known of them. Raises UsageError."""
    from lemmata.report import explain as report

    file, cell, line = _place(place)
    result, details = run.explain_one(file, options, line, fuse)
    if not result.readable:
        raise click.UsageError(result.problems[0].message)
    places = report.on_line(result, line, cell)
    if not places:
        near = report.nearest(result, line, cell)
        hint = f"; the nearest is on line {near.line}" if near else ""
        raise click.UsageError(f"no mathematics on line {line} of {file}{hint}")
    return result, places, details


def _fix_options(fix: bool, yes: bool, format_: str) -> None:
    """Raises UsageError for combinations that would change files without being seen."""
    if yes and not fix:
        raise click.UsageError("--yes goes with --fix")
    if fix and format_ != "text":
        raise click.UsageError("--fix asks in the terminal and goes with --format text only")
    if fix and not yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--fix asks before each change and this is no terminal; --yes takes the nearest of each")


def _fix(
    results: list[DocumentResult], yes: bool, check_again: Callable[[list[str]], list[DocumentResult]]
) -> list[DocumentResult]:
    """Offer what can be corrected; the results with corrected documents checked again."""
    from lemmata.report import layout
    from lemmata.report.terminal import writer
    from lemmata.surfaces import fixing

    out = writer(sys.stdout)

    def ask(statement: StatementResult, number: int) -> str:
        out.write(layout.offer(statement, number))
        return "y" if yes else click.prompt("     apply?", type=click.Choice(["y", "n", "q"]), default="n")

    changed: list[str] = []
    for result in results:
        accepted, more = fixing.choose(result, ask)
        if accepted:
            try:
                fixing.write(result.path, accepted)
            except (OSError, fixing.CannotWrite) as error:
                click.echo(f"{result.path}: nothing changed: {error}", err=True)
            else:
                changed.append(result.path)
        if not more:
            break
    again = {r.path: r for r in check_again(changed)}
    for path, result in again.items():
        out.write([((path, "path"), ("  corrected, now ", ""), *layout.tally(result.counts()))])
    return [again.get(r.path, r) for r in results]


def _status(results: list[DocumentResult], strict: bool) -> int:
    if not all(result.readable for result in results):
        return UNREADABLE
    failing = {"refuted", "unchecked"} if strict else {"refuted"}
    return REFUTED if any(s.verdict in failing for result in results for s in result) else 0


def _text(outcomes: list[Outcome], seconds: float, verbosity: int) -> None:
    from lemmata.report import layout
    from lemmata.report.terminal import writer

    out = writer(sys.stdout)
    for outcome in outcomes:
        out.write(layout.document(outcome.result, out.columns, verbosity))
    results = [o.result for o in outcomes]
    out.write(layout.summary(results, seconds if sys.stdout.isatty() else None, sum(o.cached for o in outcomes)))


def _for_programs(results: list[DocumentResult], format_: str, strict: bool) -> None:
    """Results in a form that other programs read; problems go to standard error too."""
    if format_ == "jsonl":
        from lemmata.report import jsonl

        for result in results:
            jsonl.write(result, sys.stdout)
    else:
        from importlib import import_module

        import_module(f"lemmata.report.{format_}").write(results, sys.stdout, strict)
        sys.stdout.flush()
    for result in results:
        for problem in result.problems:
            click.echo(f"{result.path}: {problem.severity}: {problem.message}", err=True)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """A progress bar on a terminal; elsewhere nothing."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda outcome: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[path]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, path="")
        yield lambda outcome: bar.update(task, advance=1, path=outcome.result.path)
