"""Arrays that the text gives in numbers against those that the cell right behind it makes."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from lemmata.code.cells import place
from lemmata.code.session import Session, Step
from lemmata.code.spelling import match
from lemmata.code.statics import RANDOM
from lemmata.code.target import CodeFinding, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

DOING = re.compile(
    r"\b(?:we|we'll|we’ll|let's|let’s|let us)\b[^,;:]*\b(?:use|take|set|choose|pick|define|create|build|make|start)\b"
    r"|\b(?:let|define|create|build|set)\s*\x00|(?:我们|下面|这里|令|设|取|使用|定义|创建)"
)
"""Words with which an author says what the code is about to do."""
OTHERWISE = re.compile(
    r"\b(?:if|suppose|would|could|might|may|instead|than|e\.g|for instance|such as|say|imagine|exercise|try|paper|"
    r"authors?|unlike|not|never|normali[sz]ed|scaled|sorted|result|output|returns?|gives?)\b|如果|假如|比如|例如|练习|论文|结果"
)


class StatedValue(Target, Protocol):
    value: np.ndarray
    follows: int
    sentence: str
    digits: float


def judge_stated(
    target: StatedValue, session: Session, steps: Sequence[Step], stated: Sequence[StatedValue]
) -> Iterator[CodeFinding]:
    """Whether the cell right behind the text makes the array that the text says. Raises Failed."""
    own = [s for s in steps if s.cell == target.follows]
    made = [(n, s) for s in own for n in s.assigned if n in s.state and match(target.names, n) >= 0.95]
    if not made:
        return
    name = made[0][0]
    values = [(s, session.array(s.state[name])) for s in steps if name in s.assigned and name in s.state]
    arrays = [(s, np.squeeze(v)) for s, v in values if v is not None]
    if len(arrays) < len(values):
        return
    bound = (f"{target.latex} is {name}",)
    for step, array in arrays:
        if step.cell == target.follows and _same(target, array):
            verdict = Verdict("verified", f"{name} is made as the text says", "code values", (f"{array.size} numbers",))
            yield CodeFinding(target.key, verdict, step.cell, name, step.line, bound)
            return
    step, array = next((s, a) for s, a in arrays if s.cell == target.follows)
    said = [t.value for t in stated if t.latex == target.latex]
    if any(v.shape == array.shape and np.allclose(v, array) for v in said) or any(_same(target, a) for _, a in arrays):
        return
    if array.shape != target.value.shape or len({n for n, _ in made}) > 1 or len(said) > 1:
        return
    if not DOING.search(target.sentence.lower()) or OTHERWISE.search(target.sentence.lower()):
        return
    if sum(s.cell == target.follows for s, _ in arrays) > 1 or not _literal(session, step, name):
        return
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(array - target.value))), array.shape))
    example = Counterexample(
        values={target.latex: shown(target.value), name: shown(array)}, left=float(target.value[worst]),
        right=float(array[worst]), where=f"component {list(worst)}", note=f"the text against line {step.line}",
    )  # fmt: skip
    reason = f"line {step.line} makes another {name} than the text right before it says"
    verdict = Verdict("refuted", reason, "code values", bound, example)
    yield CodeFinding(target.key, verdict, step.cell, name, step.line, bound)


def _same(target: StatedValue, array: np.ndarray) -> bool:
    if array.shape != target.value.shape:
        return False
    return bool(np.all(np.abs(array - target.value) <= target.digits + 1e-6 * np.abs(target.value)))


def _literal(session: Session, step: Step, name: str) -> bool:
    """Whether the statement makes the array from numbers alone: no variable of the document, no chance."""
    entry = next((p for p in session.prepared if p.cell.index == step.cell), None)
    if entry is None or entry.tree is None:
        return False
    imported = {(a.asname or a.name).split(".")[0] for p in session.prepared if p.tree is not None
                for n in ast.walk(p.tree) if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}  # fmt: skip
    for node in entry.tree.body:
        if isinstance(node, ast.Assign) and place(entry.cell, node.lineno).line == step.line:
            own = {n.id for x in ast.walk(node.value) if isinstance(x, ast.comprehension)
                   for n in ast.walk(x.target) if isinstance(n, ast.Name)}  # fmt: skip
            read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)} - own - imported
            text = ast.unparse(node.value).lower()
            return all(hasattr(builtins, n) for n in read) and not any(word in text for word in RANDOM)
    return False
