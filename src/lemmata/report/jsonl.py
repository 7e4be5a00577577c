"""JSON lines: one object for every statement, in the order of the document; then one for every lint finding."""

from __future__ import annotations

import json
from typing import TextIO

from lemmata.report.result import DocumentResult


def write(result: DocumentResult, stream: TextIO) -> None:
    """One line each; escapes what the stream's encoding does not have. A document that was not read has no line."""
    ascii_only = (stream.encoding or "utf-8").lower().replace("-", "") != "utf8"
    for statement in result.statements:
        record = statement.to_json()
        del record["excerpt"]
        stream.write(json.dumps(record, ensure_ascii=ascii_only) + "\n")
    for finding in result.lint:
        stream.write(json.dumps(finding.to_json(), ensure_ascii=ascii_only) + "\n")
    stream.flush()
