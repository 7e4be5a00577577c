"""Records: what a check found and with what, as a small text file; and what has changed since one was written.

    lemmata record 1

    lemmata       0.1.0
    python        3.11.7
    seed          0

    document      notes.md  6f1c0c0a4a1e2b3d
    cell          3c59dc048e885024
    file          train.csv  d3d9446802a44259
    verified      gradient  by instances  \\nabla_w L = \\frac{2}{n} X^\\top (X w - y)

A line holds one fact and no line number, so that an edit of the document changes the lines of what it is about.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from msgspec import Struct, field

from lemmata.report.layout import Line
from lemmata.report.result import VERDICTS, DocumentResult, StatementResult
from lemmata.version import VERSION

HEAD = "lemmata record 1"
JUDGES = ("numpy", "python-flint", "mpmath", "scipy")
"""Packages that decide verdicts of formulas."""
WIDTH = 14
GAP = re.compile(r" {2,}")


class NotARecord(Exception):
    """The text is no record; the message says where it is not."""


class Entry(Struct, frozen=True):
    """The verdict on one statement."""

    verdict: str
    kind: str
    method: str
    latex: str
    line: int = 0
    """In the document; 0 for entries that were read from a record."""

    @property
    def subject(self) -> tuple[str, str]:
        return self.kind, self.latex


class Section(Struct, frozen=True):
    """One document."""

    path: str
    content: str
    cells: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


class Record(Struct, frozen=True):
    """Everything that a record file says."""

    facts: Mapping[str, str]
    """Versions, platform, device, seed, options."""
    sections: tuple[Section, ...]


class Change(Struct, frozen=True):
    """One difference between a record and now."""

    path: str
    """The document; empty for what concerns all."""
    line: int
    text: str
    weighs: bool = True
    """False for versions and platforms, which explain a difference but are none."""


def current(results: Sequence[DocumentResult], options: Mapping[str, object]) -> Record:
    """The record of these results, whose documents are where they were when they were checked."""
    facts = {
        "lemmata": VERSION,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }
    for name in JUDGES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    devices: set[str] = set()
    for result in results:
        facts |= {k: v for k, v in result.environment.items() if k != "device"}
        devices.update(d for d in result.environment.get("device", "").split(", ") if d)
    if devices:
        facts["device"] = ", ".join(sorted(devices))
    facts |= {k: str(v).lower() for k, v in options.items() if v not in ("", None)}
    return Record(facts, tuple(_section(r) for r in sorted(results, key=lambda r: r.path) if r.readable))


def _section(result: DocumentResult) -> Section:
    try:
        content = blake2b(Path(result.path).read_bytes(), digest_size=8).hexdigest()
    except OSError:
        content = "unreadable"
    files = {name: known[:16] for name, known in result.depends.items() if known is not None}
    path = Path(result.path).as_posix()
    return Section(path, content, result.cells, files, tuple(_entry(s) for s in result))


def _entry(s: StatementResult) -> Entry:
    latex = " ".join(s.latex.split()) or "-"
    if s.kind == "code" and s.reason.count("`") > 1:
        latex += f" is `{s.reason.split('`')[1]}`"
    return Entry(s.verdict, s.kind or "-", f"by {s.method}" if s.method else "-", latex, s.line)


def write(record: Record) -> str:
    """The text of a record; the same record gives the same text."""
    lines = [HEAD, "", *(_row(name, value) for name, value in record.facts.items())]
    for section in record.sections:
        lines += ["", _row("document", section.path, section.content)]
        lines += [_row("cell", digest) for digest in section.cells]
        lines += [_row("file", name, digest) for name, digest in section.files.items()]
        lines += [_row(e.verdict, e.kind, e.method, e.latex) for e in section.entries]
    return "\n".join(lines) + "\n"


def _row(name: str, *values: str) -> str:
    return f"{name:<{WIDTH}}" + "  ".join(values) if len(name) < WIDTH - 1 else "  ".join((name, *values))


def read(text: str) -> Record:
    """The inverse of `write`. Raises NotARecord."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != HEAD:
        raise NotARecord(f"it does not begin with {HEAD!r}")
    facts: dict[str, str] = {}
    sections: list[Section] = []
    cells: list[str] = []
    files: dict[str, str] = {}
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        name, *values = GAP.split(line.strip(), 1)
        rest = values[0] if values else ""
        try:
            if name == "document":
                path, content = rest.rsplit("  ", 1)
                cells, files, entries = [], {}, []
                sections.append(Section(path, content))
            elif not sections:
                facts[name] = rest
                continue
            elif name == "cell":
                cells.append(rest)
            elif name == "file":
                file, digest = rest.rsplit("  ", 1)
                files[file] = digest
            elif name in VERDICTS:
                kind, method, latex = rest.split("  ", 2)
                entries.append(Entry(name, kind, method, latex))
            else:
                raise ValueError
        except ValueError:
            raise NotARecord(f"line {number} cannot be read: {line.strip()[:60]}") from None
        last = sections[-1]
        sections[-1] = Section(last.path, last.content, tuple(cells), files, tuple(entries))
    return Record(facts, tuple(sections))


def changes(old: Record, new: Record) -> tuple[Change, ...]:
    """What is different now: in the surroundings, then document by document."""
    return tuple(_changes(old, new))


def _changes(old: Record, new: Record) -> Iterator[Change]:
    for name in dict.fromkeys((*old.facts, *new.facts)):
        was, now = old.facts.get(name), new.facts.get(name)
        if was != now:
            option = name in ("seed", "code", "framework", "kernel")
            yield Change("", 0, f"{name}: {was or 'not recorded'}, now {now or 'not used'}", option)
    known = {s.path: s for s in old.sections}
    for section in new.sections:
        before = known.pop(section.path, None)
        if before is None:
            yield Change(section.path, 1, "this document is not in the record")
        else:
            yield from _in_document(before, section)
    for path in known:
        yield Change(path, 1, "this document is in the record and was not checked now", weighs=False)


def _in_document(old: Section, new: Section) -> Iterator[Change]:
    verdicts = list(_in_verdicts(old, new))
    if old.content != new.content:
        yield Change(new.path, 1, "the document has changed" + ("" if verdicts else "; its verdicts have not"))
    if old.cells != new.cells:
        kept = set(old.cells)
        which = [str(at) for at, digest in enumerate(new.cells, 1) if digest not in kept]
        said = f"new or changed among those that ran: {', '.join(which)}" if which else "none of them is new"
        count = f"{len(old.cells)} code cells ran, now {len(new.cells)}; " if len(old.cells) != len(new.cells) else ""
        yield Change(new.path, 1, count + said if count else f"code cells have changed; {said}")
    for name in dict.fromkeys((*old.files, *new.files)):
        was, now = old.files.get(name), new.files.get(name)
        if was != now:
            what = "is read now" if was is None else "is not read any more" if now is None else "has changed"
            yield Change(new.path, 1, f"the file {name} {what}")
    yield from verdicts


def _in_verdicts(old: Section, new: Section) -> Iterator[Change]:
    a, b = [e.subject for e in old.entries], [e.subject for e in new.entries]
    for tag, first, last, start, end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            for was, now in zip(old.entries[first:last], new.entries[start:end]):
                if was.verdict != now.verdict:
                    yield Change(new.path, now.line, f"was {was.verdict}, now {now.verdict}: {now.latex}")
                elif was.method != now.method:
                    text = f"{now.verdict} {was.method}, now {now.method}: {now.latex}"
                    yield Change(new.path, now.line, text.replace(" -,", ",").replace(" -:", ":"))
            continue
        for was in old.entries[first:last]:
            yield Change(new.path, 0, f"gone ({was.verdict}): {was.latex}")
        for now in new.entries[start:end]:
            yield Change(new.path, now.line, f"new ({now.verdict}): {now.latex}")


def lines(found: Sequence[Change], since: str) -> Iterator[Line]:
    """What has changed, for people."""
    if not found:
        yield ((f"nothing has changed since {since}", "verified"),)
        return
    count = sum(c.weighs for c in found)
    told = f"{count} change{'s' if count != 1 else ''}" if count else "no change of documents or verdicts"
    yield ((f"since {since}: {told}", "strong"),)
    for change in found:
        place = f"{change.path}:{change.line}" if change.line else change.path
        style = "refuted" if "now refuted" in change.text else "" if change.weighs else "dim"
        yield ((f"  {place}  " if place else "  ", "dim"), (change.text, style))
