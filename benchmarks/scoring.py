"""Scores verdicts against claims with ground truth: documents in `docs/`, one line a claim in `index.jsonl`.

A claim has `doc`, `line`, `end_line`, `truth`, `latex` and, for the table, `family`, `kind`, `lang`. A verdict belongs
to a claim when its line lies within the claim's lines; on a line of its own the LaTeX tells several formulas apart.
A claim with any refuted part is refuted, one whose parts are all verified is verified, anything else is unchecked.
A refutation that belongs to no claim is a stray alarm.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lemmata.report.result import StatementResult


@dataclass(frozen=True)
class Claim:
    doc: str
    line: int
    end_line: int
    truth: bool
    latex: str
    name: str = ""
    groups: tuple[tuple[str, str], ...] = ()
    """(`family`, `a`), (`kind`, `gradient`), ..."""

    def matches(self, statement: StatementResult) -> bool:
        if Path(statement.doc).name != Path(self.doc).name or not self.line <= statement.line <= self.end_line:
            return False
        ours, theirs = squeeze(self.latex), squeeze(statement.latex)
        return self.line < self.end_line or ours in theirs or theirs in ours


@dataclass
class Score:
    claims: list[Claim]
    verdicts: dict[Claim, str]
    stray: list[StatementResult] = field(default_factory=list)

    @property
    def right(self) -> list[Claim]:
        return [c for c in self.claims if self.verdicts[c] == ("verified" if c.truth else "refuted")]

    @property
    def wrong(self) -> list[Claim]:
        return [c for c in self.claims if self.verdicts[c] == ("refuted" if c.truth else "verified")]

    def table(self) -> Iterator[str]:
        """One row for all claims, then one for every value of every grouping."""
        yield f"{'':<28} {'claims':>6} {'right':>6} {'wrong':>6} {'unchecked':>9}"
        yield self._row("all", self.claims)
        for grouping in dict.fromkeys(name for c in self.claims for name, _ in c.groups):
            members = defaultdict(list)
            for claim in self.claims:
                members[dict(claim.groups).get(grouping, "")].append(claim)
            for value in sorted(members):
                yield self._row(f"{grouping} {value}", members[value])

    def _row(self, title: str, claims: Sequence[Claim]) -> str:
        right, wrong = sum(c in self.right for c in claims), sum(c in self.wrong for c in claims)
        return f"{title:<28} {len(claims):>6} {right:>6} {wrong:>6} {len(claims) - right - wrong:>9}"


def squeeze(latex: str) -> str:
    return "".join(latex.split()).rstrip(".,;")


def read_index(folder: Path) -> list[Claim]:
    claims = []
    for text in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines():
        if text.strip():
            r = json.loads(text)
            groups = tuple((g, str(r[g])) for g in ("family", "kind", "lang") if g in r)
            claims.append(
                Claim(r["doc"], r["line"], r.get("end_line", r["line"]), r["truth"], r["latex"], r["claim"], groups)
            )
    return claims


def score(claims: list[Claim], statements: Iterable[StatementResult]) -> Score:
    """What the statements' verdicts say about every claim. What is assumed is no verdict."""
    found: dict[Claim, list[str]] = {claim: [] for claim in claims}
    result = Score(claims, {})
    for statement in statements:
        if statement.verdict == "assumed":
            continue
        hit = [claim for claim in claims if claim.matches(statement)]
        for claim in hit:
            found[claim].append(statement.verdict)
        if not hit and statement.verdict == "refuted":
            result.stray.append(statement)
    for claim, verdicts in found.items():
        enough = any if claim.line == claim.end_line else all
        if "refuted" in verdicts:
            result.verdicts[claim] = "refuted"
        elif verdicts and enough(v == "verified" for v in verdicts):
            result.verdicts[claim] = "verified"
        else:
            result.verdicts[claim] = "unchecked"
    return result
