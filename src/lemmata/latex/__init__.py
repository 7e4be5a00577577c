"""LaTeX mathematics to a tree about notation only, and back."""

from lemmata.latex.macros import Macro
from lemmata.latex.parser import parse
from lemmata.latex.printer import print_latex
from lemmata.latex.walk import children, gaps, walk

__all__ = ["Macro", "children", "gaps", "parse", "print_latex", "walk"]
