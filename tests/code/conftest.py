"""Sessions that are closed after each test."""

from __future__ import annotations

import pytest
from code_documents import QUICK, cells

from lemmata.code.limits import Limits
from lemmata.code.session import Session, run_cells


@pytest.fixture
def run():
    """Run sources as the cells of a document, under quick limits; sessions are closed afterwards."""
    sessions: list[Session] = []

    def start(*sources: str, limits: Limits = QUICK, **options: object) -> Session:
        sessions.append(run_cells(cells(*sources), limits, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
