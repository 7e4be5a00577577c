"""Imports run one way along the stages, and importing the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import lemmata

ROOT = Path(lemmata.__file__).parent
ORDER = (
    {"diagnostic", "files", "version"}, {"documents"}, {"latex"}, {"core"}, {"program"}, {"backends", "operations"},
    {"elaborate"}, {"verify"}, {"code"}, {"lower"}, {"repair", "derive", "lint"}, {"model"}, {"emit", "training"},
    {"sheets"},
    {"consistency"}, {"counting"}, {"report"}, {"stages"}, {"pipeline"}, {"surfaces"}, {"__main__"},
)  # fmt: skip
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
TYPES_ONLY = {("diagnostic", "documents")}
"""diagnostic knows positions; documents.model names Diagnostic for type checkers alone."""


def imported(file: Path) -> set[str]:
    """Stages that a module imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module == "lemmata":
            names = [f"lemmata.{a.name}" for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            names = [node.module]
        found |= {n.split(".")[1] for n in names if n.startswith("lemmata.")}
    return found


def test_every_stage_imports_earlier_ones_only():
    wrong = []
    for file in sorted(ROOT.rglob("*.py")):
        stage = file.relative_to(ROOT).parts[0].removesuffix(".py")
        if stage == "__init__":
            continue
        wrong += [
            f"{file.relative_to(ROOT)} imports {other}"
            for other in imported(file)
            if other != stage and RANK[other] >= RANK[stage] and (stage, other) not in TYPES_ONLY
        ]
    assert not wrong, "\n".join(wrong)


def test_every_package_has_a_place_in_the_order():
    assert {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()} <= set(RANK)


def test_no_module_is_too_long_to_read():
    long = {
        str(f.relative_to(ROOT)): n for f in ROOT.rglob("*.py") if (n := len(f.read_text("utf-8").splitlines())) > 700
    }
    assert not long


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running `code`."""
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_package_loads_nothing_else():
    assert not loaded_after("import lemmata") & {"numpy", "torch", "rich", "click", "markdown_it", "flint"}


def test_the_way_to_a_cached_result_loads_neither_numpy_nor_rich():
    modules = "surfaces.cli surfaces.cache surfaces.run report.layout report.terminal report.jsonl".split()
    code = "\n".join(f"import lemmata.{m}" for m in modules)
    assert not loaded_after(code) & {"numpy", "torch", "rich", "markdown_it", "flint", "yaml", "concurrent"}
