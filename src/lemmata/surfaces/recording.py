"""`lemmata check --record FILE --against RECORD`: writes records of results and tells what has changed since."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lemmata.files import put
from lemmata.report.result import DocumentResult
from lemmata.surfaces.run import Options

if TYPE_CHECKING:
    from lemmata.report.record import Record


def read(path: Path) -> Record:
    """The record in a file. Raises UsageError for what is none."""
    from lemmata.report import record

    try:
        return record.read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, record.NotARecord) as error:
        raise click.UsageError(f"{path} is no record: {error}") from None


def record(
    results: Sequence[DocumentResult],
    options: Options,
    before: Record | None,
    since: str,
    target: Path | None,
    format_: str,
) -> bool:
    """Write the record to `target` and tell what differs from the one `before`; whether anything that counts does."""
    if before is None and target is None:
        return False
    from lemmata.report import github, record
    from lemmata.report.terminal import writer

    code = "run" if options.code else "not run"
    given = {"seed": options.seed, "code": code, "framework": options.framework, "kernel": options.kernel}
    now = record.current(results, given)
    if target is not None:
        _replace(target, record.write(now))
    if before is None:
        return False
    found = record.changes(before, now)
    if format_ == "github":
        github.write_changes(found, since, sys.stdout)
    else:
        writer(sys.stdout if format_ == "text" else sys.stderr).write(record.lines(found, since))
    return any(change.weighs for change in found)


def _replace(target: Path, text: str) -> None:
    """The file is there whole or as it was. Raises UsageError."""
    try:
        put(target, text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise click.UsageError(f"the record cannot be written: {target}: {error.strerror}") from None
