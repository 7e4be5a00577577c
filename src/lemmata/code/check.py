"""The stage: run a document's cells, compare every target with the code that seems to compute it."""

from __future__ import annotations

import ast
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.code.advice import advised
from lemmata.code.calls import Function, judge_function
from lemmata.code.cells import CellError
from lemmata.code.equations import EquationChecks
from lemmata.code.factors import judge_factors
from lemmata.code.further import further
from lemmata.code.gradients import judge_gradients
from lemmata.code.layers import SCALES, LayerClass, build, layer_paths
from lemmata.code.limits import Limits
from lemmata.code.modules import judge_layer
from lemmata.code.positions import judge_table
from lemmata.code.session import CellResult, Failed, Session, Surroundings, run_cells
from lemmata.code.spelling import match, spellings
from lemmata.code.stated_values import StatedValue, judge_stated
from lemmata.code.statics import Definition, definitions, lines, looped, sources
from lemmata.code.sublayers import judge_sublayers
from lemmata.code.target import CodeFinding, Equation, Target
from lemmata.code.values import ValueChecks
from lemmata.code.weights import Concern, HeatMap, survey
from lemmata.code.wrappers import judge_wrappers
from lemmata.diagnostic import Diagnostic
from lemmata.documents.model import CodeCell, Document, Position, Span
from lemmata.verify.verdict import Verdict

FRAMEWORKS = {
    "torch": ("torch",),
    "tensorflow": ("tf", "tensorflow", "keras"),
    "jax": ("jnp", "jax"),
    "numpy": ("np", "numpy"),
}
GONE = frozenset({"timeout", "memory", "processes", "disk", "output", "died", "not tried", "protocol", "start"})
"""Errors after which it is not known how far a cell came, or after which its variables are lost."""
ON_ITS_OWN = "equation "
"""Keys of targets that single instructions are compared with, on inputs of their own."""
HINT = re.compile(
    r"^\s*(?:is|是|in code is|stands for)\s+`?([A-Za-z_][\w.]*?)`?\s*(?:[.,;，；、。]\s*)?(?:and|和|且)?\s*$"
)


class CodeReport(Struct, frozen=True):
    """What running and comparing the code of a document found."""

    cells: tuple[CellResult, ...] = ()
    findings: tuple[CodeFinding, ...] = ()
    layers: tuple[str, ...] = ()
    """What confined the worker; see `lemmata.code.worker.sandbox`."""
    problem: str = ""
    """Why code could not be compared at all."""
    weights: tuple[HeatMap, ...] = ()
    """Of softmax-weighted sums that ran."""
    warnings: tuple[Concern, ...] = ()
    """About those weights."""
    surroundings: Surroundings = field(default_factory=Surroundings)

    @property
    def errors(self) -> tuple[CellError, ...]:
        return tuple(r.error for r in self.cells if r.error is not None)


def check_code(
    cells: Sequence[CodeCell],
    targets: Sequence[Target],
    *,
    seed: int = 0,
    limits: Limits | None = None,
    folder: Path | None = None,
    hints: Mapping[str, str] | None = None,
    rivals: Sequence[tuple[str, int]] = (),
    framework: str = "",
) -> CodeReport:
    """Run the cells and judge every target that the code seems to compute. Never raises for what the code does.

    `framework`: whose tabs are taken in a document with one cell per framework. The rest as in `check_session`.
    """
    if not any(c.executable for c in cells):
        return CodeReport()
    with run_cells(cells, limits, folder=folder, seed=seed, framework=framework) as session:
        return check_session(session, targets, seed=seed, hints=hints, rivals=rivals)


def check_session(
    session: Session,
    targets: Sequence[Target],
    *,
    seed: int = 0,
    hints: Mapping[str, str] | None = None,
    rivals: Sequence[tuple[str, int]] = (),
) -> CodeReport:
    """Judge every target that the cells of a session, which have run, seem to compute.

    `hints`: by LaTeX of a target, the name it has in the code (see `code_hints`). `rivals`: (left side in LaTeX, line)
    of equations that are no targets because they were not understood; code nearer to one of them refutes nothing.
    """
    found: list[CodeFinding] = []
    problem = session.problem
    session.results = advised(session.results, session.prepared)
    try:
        known = {squash_latex(k): v for k, v in (hints or {}).items()}
        compared = _grounded(_compare(session, targets, seed, known, rivals), session)
        found += _decided(_distinct(compared, targets), targets, rivals)
    except Failed as failed:
        problem = f"the code could not be compared: {failed}"
    found += _blocked(session, targets, found)
    around = Surroundings()
    maps: tuple[HeatMap, ...] = ()
    warnings: tuple[Concern, ...] = ()
    try:
        around = session.surroundings()
        maps, warnings = survey(session.weights())
    except (Failed, ArithmeticError, LookupError, TypeError, ValueError):
        pass  # what hostile or broken cells tell about themselves costs nothing else
    return CodeReport(session.results, tuple(found), session.layers, problem, maps, warnings, around)


def _compare(
    session: Session, targets: Sequence[Target], seed: int, hints: Mapping[str, str],
    rivals: Sequence[tuple[str, int]],
) -> Iterator[CodeFinding]:  # fmt: skip
    if not targets or not session.alive:
        return
    values = ValueChecks(session, lines(session.prepared), targets)
    described = session.ask("describe")
    functions = tuple(_functions(session, described))
    classes = tuple(_classes(session, described))
    state = values.steps[-1].state if values.steps else {}
    told = [cast(StatedValue, t) for t in targets if t.kind == "stated value"]
    agreed: set[tuple[int, str]] = set()
    for target in targets:
        hint = hints.get(squash_latex(target.latex))
        for seen in values.findings(target):
            if seen.verdict.kind == "verified":
                agreed.add((target.line, target.latex))
            yield seen
        if target.kind == "stated value":
            yield from judge_stated(cast(StatedValue, target), session, values.steps, told)
        if target.kind == "table":
            definitions_: list[Function | LayerClass] = [*functions, *classes]
            for code in definitions_:
                if code.name == hint or (hint is None and match(target.names, code.name) >= 0.9):
                    yield judge_table(target, code, session, seed)
        if target.kind != "function":
            continue
        for function in functions:
            if function.name == hint or (hint is None and match(target.names, function.name) >= 0.9):
                yield judge_function(target, function, state, session, seed, hint is not None)
        for layer in classes:
            if layer.name == hint or (hint is None and match(target.names, layer.name) >= 0.9):
                yield judge_layer(target, layer, session, seed, hint is not None)
                continue
            yield from _children(target, layer, session, seed, hint)
            finding = judge_sublayers(target, layer, session, seed)
            if finding is not None:
                yield finding
    yield from judge_wrappers(targets, session, seed)
    yield from judge_factors([cast(Equation, t) for t in targets if t.kind == "product"], session, seed)
    yield from judge_gradients(targets, functions, state, session, seed, rivals)
    stated = [cast(Equation, t) for t in targets if t.kind == "equation"]
    checks = EquationChecks(session, seed)
    try:
        found = []
        for finding in checks.findings(stated, agreed):
            found.append(finding)
            yield finding
        yield from further(checks, targets, found)
    except Failed:
        return  # out of time, or the worker is gone: what was found before stands


def _grounded(findings: Iterator[CodeFinding], session: Session) -> Iterator[CodeFinding]:
    """Nothing is held against code that rests on statements which did not run because a cell failed before them."""
    errors = {r.index: r.error for r in session.results if r.error is not None}
    if not errors:
        yield from findings
        return
    known = lines(session.prepared)
    lost: set[tuple[int, int]] = set()
    for cell, error in errors.items():
        own = [s.line for s in known if s.cell == cell]
        failed = max((line for line in own if line <= error.position.line), default=0)  # it may take several lines
        lost |= {(cell, line) for line in own if line >= failed or error.kind in GONE}
    for finding in findings:
        if finding.verdict.kind == "refuted" and not finding.target.startswith(ON_ITS_OWN):
            rests = sources(known, finding.cell, finding.line, frozenset())
            if rests is not None and (missing := sorted(rests.places & lost)):
                why = f"{finding.name} rests on line {missing[0][1]}, which did not run"
                finding = replace(finding, verdict=Verdict("unchecked", why))
        yield finding


def _distinct(findings: Iterator[CodeFinding], targets: Sequence[Target]) -> Iterator[CodeFinding]:
    """The findings without those of single equations that repeat what the same code was found to do as a whole."""
    by_key = {t.key: t for t in targets}
    decided: set[tuple[int, int, str]] = set()
    for finding in findings:
        target = by_key[finding.target]
        place = (target.line, finding.cell, finding.name)
        if target.kind == "equation" and place in decided:
            continue
        if finding.verdict.kind != "unchecked" and target.kind != "equation":
            decided.add(place)
        yield finding


def _decided(
    findings: Iterator[CodeFinding], targets: Sequence[Target], rivals: Sequence[tuple[str, int]]
) -> Iterator[CodeFinding]:
    """The findings without those about code that another formula explains, or that belongs to a nearer formula."""
    found = list(findings)
    explained = {(f.cell, f.line, f.name) for f in found if f.verdict.kind == "verified"}
    by_key = {t.key: t for t in targets}
    for finding in found:
        target = by_key[finding.target]
        if finding.verdict.kind != "verified" and (finding.cell, finding.line, finding.name) in explained:
            continue
        if finding.verdict.kind == "refuted":
            name = finding.name.removeprefix("print: ")
            versions = [f for f in found if f.verdict.kind == "verified" and f.name == name and f.cell < finding.cell
                        and by_key[f.target].line == target.line]  # fmt: skip
            if versions and not finding.target.startswith(ON_ITS_OWN):
                why = f"{name} differs from this formula, but {name} on line {versions[0].line} computes it"
                finding = replace(finding, verdict=Verdict("unchecked", why))
            words = re.findall(r"[A-Za-z_][\w.]*", name)
            others = [t.line for t in targets if not _within(t, target) and _fits(t.names, words)]
            others += [line for latex, line in rivals if _fits(spellings(latex), words)]
            nearer = [line for line in others if _distance(line, finding.line) < _distance(target.line, finding.line)]
            if nearer:
                why = f"{name} differs from this formula, but stands nearer to the one on line {nearer[0]}"
                finding = replace(finding, verdict=Verdict("unchecked", why))
        yield finding


def _within(other: Target, target: Target) -> bool:
    """Whether the other formula is this one, or gives elements of the table that this one is."""
    return other.key == target.key or (
        target.kind == "table" and other.kind == "equation" and bool(cast(Equation, other).places)
    )


def _fits(names: Sequence[str], words: Sequence[str]) -> bool:
    return any(match(names, word) >= 0.9 for word in words)


def _distance(formula: int, code: int) -> tuple[bool, int]:
    """Code belongs to the last formula before it, or to the first after it if there is none."""
    return (formula > code, abs(formula - code))


def _children(
    target: Target, layer: LayerClass, session: Session, seed: int, hint: str | None
) -> Iterator[CodeFinding]:
    """Children of a layer that are called as the target is, such as `self.ffn`, but for the document's own classes."""
    if not any(p.role == "weight" for p in target.parameters):
        return
    made = build(session, layer, SCALES[0])
    if isinstance(made, str):
        return
    own = {p.name for p in definitions(session.prepared)}
    for path, name in layer_paths(made):
        wanted = hint in (name, path, f"{layer.name}.{path}") if hint else match(target.names, name) >= 0.9
        if wanted and made.leaves[path] not in own:
            yield judge_layer(target, layer, session, seed, hint is not None, path)


def _functions(session: Session, described: Mapping[str, Any]) -> Iterator[Function]:
    passing = looped(session.prepared)
    for entry in described["functions"]:
        if entry["cell"] is None or entry["name"] in passing:
            continue
        cell, line = int(entry["cell"]), session.position_line(int(entry["cell"]), int(entry["line"]))
        kinds = _frameworks(session, cell, str(entry["name"]))
        yield Function(str(entry["name"]), cell, line, tuple(entry["parameters"]), kinds)


def _classes(session: Session, described: Mapping[str, Any]) -> Iterator[LayerClass]:
    for entry in described["modules"]:
        cell = int(entry["cell"]) if entry["cell"] is not None else session.prepared[0].cell.index
        name = str(entry["name"])
        place = next((d for d in definitions(session.prepared) if d.name == name), None)
        if place is None:
            continue
        yield LayerClass(
            name, place.cell if place else cell, place.line, tuple(entry["constructor"]), tuple(entry["forward"]),
            str(entry["framework"]),
        )  # fmt: skip


def _frameworks(session: Session, cell: int, name: str) -> tuple[str, ...]:
    """Kinds of array to try on a function: those its text speaks of, then those of the document."""
    mentioned: list[str] = []
    imported: list[str] = []
    for prepared in session.prepared:
        for node in ast.walk(prepared.tree) if prepared.tree is not None else ():
            words = (
                {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if isinstance(node, ast.FunctionDef)
                else set()
            )
            if isinstance(node, ast.FunctionDef) and node.name == name and prepared.cell.index == cell:
                mentioned += [f for f, aliases in FRAMEWORKS.items() if words & set(aliases)]
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                imported += [f for f in FRAMEWORKS for m in modules if m.split(".")[0] == f]
    return tuple(dict.fromkeys((*mentioned, *imported, "numpy")))


def _blocked(session: Session, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """Functions and classes that fit a target but stand in a cell that failed."""
    errors = {r.index: r.error for r in session.results if r.error is not None}
    known = {(f.target, f.name) for f in found}
    for definition in definitions(session.prepared):
        error = errors.get(definition.cell)
        for target in targets if error is not None else ():
            if target.kind == "function" and match(target.names, definition.name) >= 0.9:
                if (target.key, definition.name) not in known:
                    yield _not_run(target, definition, error)


def _not_run(target: Target, definition: Definition, error: CellError | None) -> CodeFinding:
    assert error is not None
    why = f"the cell of {definition.name} failed on line {error.position.line}: {error.message}"
    verdict = Verdict("unchecked", f"{why} ({error.help})" if error.help else why)
    bound = (f"{target.latex} is {definition.name}",)
    return CodeFinding(target.key, verdict, definition.cell, definition.name, definition.line, bound)


def squash_latex(latex: str) -> str:
    """LaTeX without spaces, fonts and braces, to compare what hints and formulas call a function."""
    return re.sub(r"\\(text|mathrm|mathbf|operatorname|boldsymbol)\b|[\s{}$]", "", latex)


def code_hints(document: Document) -> dict[str, str]:
    r"""Names in the code by LaTeX, from comments such as `<!-- lemmata: $\text{Attention}$ is attend -->`."""
    from lemmata.documents.model import Block, Formula, Text

    found = {}
    for block in document.blocks:
        if not isinstance(block, Block) or block.kind != "hint":
            continue
        for formula, text in zip(block.inlines, block.inlines[1:]):
            if isinstance(formula, Formula) and isinstance(text, Text) and (said := HINT.match(text.text)):
                found[formula.latex.strip()] = said[1]
    return found


def diagnostics(report: CodeReport, path: str = "") -> tuple[Diagnostic, ...]:
    """Errors of cells, and what was not run in them, as messages to the author."""
    found = []
    for result in report.cells:
        for at, text in result.notes:
            found.append(Diagnostic("note", "cell-not-run", text, path, Span(at, at)))
        if (error := result.error) is not None and not error.expected:
            message = (
                f"code cell failed: {error.kind}: {error.message}"
                if error.kind[:1].isupper()
                else f"code cell {error.message}"
            )
            if error.kind == "not tried":
                message = f"code cell {error.message}"
            span = Span(error.position, error.position)
            found.append(Diagnostic("warning", "cell-error", message, path, span, help=error.help or None))
    for warning in report.warnings:
        at = Position(warning.line, 1, warning.notebook_cell)
        help = warning.help or None
        found.append(Diagnostic("warning", "attention-weights", warning.message, path, Span(at, at), help=help))
    if report.problem:
        found.append(Diagnostic("warning", "code-not-compared", report.problem, path))
    return tuple(found)


def environment_fingerprint(
    packages: Sequence[str] = ("numpy", "torch", "jax", "tensorflow", "keras", "scipy"),
) -> dict[str, str]:
    """Python, platform and the installed versions of packages that a check may rest on; imports none of them."""
    from importlib import metadata

    found = {"python": platform.python_version(), "platform": f"{sys.platform}-{platform.machine()}"}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found
