"""What would make a failed cell run: names that nothing defines, cells that failed before, calls that newer versions
of a framework reject."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from lemmata.code.cells import CellError, Prepared
from lemmata.code.session import CellResult

LEGACY = (
    "or `pip install tf_keras` and set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported, which runs it as Keras 2"
)
COMPAT = "it is TensorFlow 1 code: `import tensorflow.compat.v1 as tf`, or TensorFlow 1.15"
WORD = r"(?:not recognized|unexpected keyword argument|Unrecognized keyword arguments).*"
REJECTED: tuple[tuple[str, str], ...] = (
    (
        r"KerasTensor cannot be used as input to a TensorFlow function|KerasTensor.*cannot be (?:converted|passed)",
        "Keras 3 takes its symbolic inputs in layers and keras.ops only: write the function as the `call` of a layer "
        f"and call that layer here, or write it with keras.ops; {LEGACY}",
    ),
    (
        WORD + r"'(?:lr|decay)'",
        f"Keras 3 calls it `learning_rate` (and has schedules in place of `decay`); {LEGACY}",
    ),
    (
        WORD + r"'(?:batch_input_shape|input_dim|input_length|weights)'",
        f"Keras 3 has no such argument: start the model with `keras.Input(shape=...)`; {LEGACY}",
    ),
    (
        r"add_weight\(\) got multiple values for argument 'shape'",
        f'in Keras 3 the first argument of add_weight is the shape: write name="..." in front of the name; {LEGACY}',
    ),
    (
        r"has no attribute '(?:fit_generator|evaluate_generator|predict_generator|predict_classes|predict_proba)'",
        "it is gone since TensorFlow 2.6: `fit`, `evaluate` and `predict` take generators; classes are "
        "`predict(x).argmax(-1)`",
    ),
    (
        r"module 'tensorflow' has no attribute '(?:Session|placeholder|contrib|get_variable|variable_scope|layers|app|"
        r"flags|global_variables_initializer|reset_default_graph|log|to_float)'",
        COMPAT,
    ),
    (r"No module named 'tensorflow\.(?:contrib|examples)'", COMPAT),
    (
        r"module '[\w.]*keras[\w.]*backend' has no attribute|cannot import name '\w+' from '[\w.]*keras[\w.]*backend",
        f"Keras 3 has these functions in keras.ops; {LEGACY}",
    ),
    (
        r"No module named '(?:keras|tensorflow\.keras|tensorflow\.python\.keras)\.\w|"
        r"cannot import name '\w+' from '(?:keras|tensorflow\.keras|keras\.[\w.]+)'|"
        r"module '[\w.]*keras[\w.]*' has no attribute",
        "it is not at this place in Keras 3 (layers are in keras.layers, tools for text and images in keras.utils); "
        + LEGACY,
    ),
    (
        r"module 'numpy' has no attribute '(?:float|int|bool|object|complex|str)'",
        "write the type of Python, without `np.`",
    ),
    (r"module 'jax' has no attribute '(?:tree_map|tree_multimap)'", "it is jax.tree.map since JAX 0.4.26"),
    (r"module 'torch' has no attribute 'rfft'", "it is torch.fft.rfft since PyTorch 1.8"),
)
"""Messages of errors with what makes the cell run."""


def advised(results: Sequence[CellResult], prepared: Sequence[Prepared]) -> tuple[CellResult, ...]:
    """The results, failed cells with what would make them run where that is known."""
    made = {p.cell.index: frozenset(_makes(p.tree)) for p in prepared if p.tree is not None}
    everywhere = frozenset().union(*made.values(), dir(builtins))
    failed = {r.index: r.error.position.line for r in results if r.error is not None}
    trees = {p.cell.index: p.tree for p in prepared}
    found = []
    for result in results:
        error = result.error
        if error is not None and not error.help:
            needs = tuple(_undefined(trees.get(result.index), everywhere))
            result = replace(result, error=replace(error, help=_help(error, needs, made, failed)))
        found.append(result)
    return tuple(found)


def _help(error: CellError, needs: Sequence[str], made: Mapping[int, frozenset[str]], failed: Mapping[int, int]) -> str:
    parts = []
    missing = re.match(r"name '(\w+)' is not defined", error.message) if error.kind == "NameError" else None
    if missing:
        makers = [index for index, names in made.items() if missing[1] in names and index != error.cell]
        before = [index for index in makers if index in failed and index < error.cell]
        after = [index for index in makers if index > error.cell]
        if before:
            parts.append(f"{missing[1]} is made in the cell that failed on line {failed[before[-1]]}")
        elif after and missing[1] not in needs:
            parts.append(f"{missing[1]} is made in a later cell")
    if needs:
        names, verb, them = ", ".join(needs[:4]), *(("are", "them") if len(needs) > 1 else ("is", "it"))
        parts.append(
            f"{names} {verb} defined nowhere in the document; give {them} a small example value in a cell before this "
            "one, or tag the cell skip-execution"
        )
    for pattern, advice in REJECTED:
        if re.search(pattern, error.message):
            parts.append(advice)
            break
    return "; ".join(parts)


def _makes(tree: ast.AST) -> Iterator[str]:
    """Every name that a cell binds somewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _undefined(tree: ast.AST | None, known: frozenset[str]) -> Iterator[str]:
    """Names that a cell reads and no cell makes, in order; none where a star import may bring them."""
    if tree is None or "*" in known:
        return
    loads = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    for name in dict.fromkeys(n.id for n in sorted(loads, key=lambda n: (n.lineno, n.col_offset))):
        own = name.startswith("__") and name.endswith("__") or name in ("display", "get_ipython")
        if name not in known and not own:
            yield name
