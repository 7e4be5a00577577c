"""Stand-ins for a check, so that the command line is tested without the stages."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lemmata.report.result import DocumentResult, StatementResult
from lemmata.surfaces.run import Options


def line_by_line(path: str, options: Options) -> DocumentResult:
    """Every line is a statement whose first word is its verdict; `crash` ends the process, `fail` raises,
    `slow` takes a minute."""
    statements = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        word = line.split(" ")[0]
        if word == "crash":
            os._exit(3)
        if word == "slow":
            time.sleep(60)
        if word == "fail":
            raise ZeroDivisionError("by purpose")
        example = {"values": {"x": [options.seed]}, "left": 1, "right": 2} if word == "refuted" else None
        shared = {"reason": "why", "method": "m", "evidence": ("e",), "counterexample": example, "excerpt": (line,)}
        place = {"line": number, "end_line": number, "column": 1, "end_column": len(line) + 1}
        statements.append(
            StatementResult(doc=path, verdict=word, role="claim", kind="equation", latex=line, **place, **shared)
        )
    return DocumentResult(path, tuple(statements))
