"""Documents with one cell per framework: which framework a run takes, and which cells belong to others.

    ```{.python .input}          d2l: `#@tab pytorch`, `%%tab pytorch, jax`, `#@tab all`; a `tab` option elsewhere
    #@tab pytorch

A document without such tabs is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec

from lemmata.documents.model import CodeCell

FRAMEWORKS = {
    "pytorch": ("torch",),
    "tensorflow": ("tensorflow",),
    "jax": ("jax",),
    "numpy": ("numpy",),
    "keras": ("keras",),
    "mxnet": ("mxnet",),
    "paddle": ("paddle",),
    "mindspore": ("mindspore",),
}
"""Names of tabs with the package they need, in the order of preference."""
ALIASES = {"torch": "pytorch", "tf": "tensorflow", "np": "numpy", "flax": "jax", "paddlepaddle": "paddle"}
SPEAKS = {
    "pytorch": re.compile(r"\btorch\b|\bnn\.Module\b"),
    "tensorflow": re.compile(r"\btf\.|\btensorflow\b|\bkeras\b"),
    "jax": re.compile(r"\bjnp?\.|\bjax\b|\bflax\b"),
    "mxnet": re.compile(r"\bmxnet\b|\bnpx\.|\bgluon\b|\bautograd\.record\b|\battach_grad\b|\bnn\.Block\b|\bmx\."),
    "paddle": re.compile(r"\bpaddle\b"),
}
"""Words by which code without a tab shows its framework."""


def canonical(name: str) -> str:
    """`torch` and `PyTorch` are `pytorch`."""
    name = name.strip().lower()
    return ALIASES.get(name, name)


def tabs(cell: CodeCell) -> tuple[str, ...]:
    """The frameworks that a cell is for; `all` for every one; empty if it does not say."""
    said = cell.options.get("tab", ())
    names = said.split(",") if isinstance(said, str) else said if isinstance(said, (list, tuple)) else ()
    return tuple(canonical(str(n)) for n in names if str(n).strip())


def installed(framework: str) -> bool:
    try:
        return all(find_spec(name) is not None for name in FRAMEWORKS.get(framework, (framework,)))
    except (ImportError, ValueError):
        return False


def chosen(cells: Sequence[CodeCell], wanted: str = "") -> str:
    """The framework of this run: the one that is wanted, else the first that is installed; empty without tabs."""
    offered = {name for cell in cells for name in tabs(cell)} - {"all"}
    if not offered & set(FRAMEWORKS):
        return ""
    if wanted:
        return canonical(wanted)
    order = [name for name in FRAMEWORKS if name in offered]
    return next((name for name in order if installed(name)), order[0])


def missing(cells: Sequence[CodeCell], wanted: str) -> str:
    """What to say if a document has tabs, and none for the framework that is wanted."""
    offered = sorted({name for cell in cells for name in tabs(cell)} - {"all"})
    if not wanted or not set(offered) & set(FRAMEWORKS) or canonical(wanted) in offered:
        return ""
    return f"no code cell is for {canonical(wanted)}; this document offers {', '.join(offered)}"


def others(cells: Sequence[CodeCell], wanted: str = "") -> dict[int, str]:
    """By place in `cells`: why a cell is none of this run's framework.

    Code without a tab runs with every framework, unless its words are those of another or it stands directly beside
    the tab of this one, as a variant of it.
    """
    framework = chosen(cells, wanted)
    if not framework:
        return {}
    found: dict[int, str] = {}
    for at, cell in enumerate(cells):
        own = tabs(cell)
        if own:
            if framework not in own and "all" not in own:
                found[at] = f"for {', '.join(own)}; this run takes {framework}"
        elif spoken := [name for name, words in SPEAKS.items() if words.search(cell.source)]:
            if framework not in spoken:
                found[at] = f"for {', '.join(spoken)}; this run takes {framework}"
        elif _variant(cells, at, framework):
            found[at] = f"a variant for another framework; this run takes {framework}"
    return found


def _variant(cells: Sequence[CodeCell], at: int, framework: str) -> bool:
    """Whether the cells that follow a cell without anything between are its variants, this run's among them."""
    for before, cell in zip(cells[at:], cells[at + 1 :]):
        own = tabs(cell)
        if cell.span.start.cell != before.span.start.cell or cell.span.start.line > before.span.end.line + 2 or not own:
            return False
        if framework in own:
            return True
        if "all" in own:
            return False
    return False
