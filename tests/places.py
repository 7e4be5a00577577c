"""Where things are: the repository, and the collections of real documents beside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LEMMATA_SHARED") or ROOT.parent / "shared")
