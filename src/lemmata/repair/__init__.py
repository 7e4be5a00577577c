"""Small edits of the author's own LaTeX that make a refuted claim hold.

claim --operators, scripts--> edits --search--> corrected texts --trial--> verified fixes
"""

from lemmata.repair.found import Fix
from lemmata.repair.search import repair

__all__ = ["Fix", "repair"]
