"""Edits of names: another function of a pair, another variable, a mask the wrong way round, an option left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from lemmata.code.edits.arithmetic import brief
from lemmata.code.edits.axes import MODULES
from lemmata.code.edits.moves import fills
from lemmata.code.edits.text import Change, Definition, Edit, called, is_method

FAMILIES = (
    ("sin", "cos"), ("tril", "triu"), ("mean", "sum"), ("reduce_mean", "reduce_sum"), ("max", "min"),
    ("relu", "gelu", "silu", "tanh", "sigmoid", "elu", "softplus"), ("ReLU", "GELU", "SiLU", "Tanh", "Sigmoid"),
    ("exp", "log", "log2", "log10"), ("softmax", "log_softmax", "sigmoid"), ("sqrt", "square"), ("sinh", "cosh"),
    ("abs", "square"), ("zeros", "ones"), ("eq", "ne"), ("greater", "less"),
)  # fmt: skip
OPTIONS = (
    ("mean", "sum"), ("relu", "gelu", "silu", "tanh", "linear"), ("tanh", "none"), ("lower", "upper"), ("ij", "xy"),
)  # fmt: skip
FLIPPED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Lt: (">=", "<=", ">"), ast.LtE: (">", "<", ">="),
    ast.Gt: ("<=", ">=", "<"), ast.GtE: ("<", ">", "<="),
}  # fmt: skip
SELECT = frozenset("masked_fill masked_fill_ where".split())
ACTIVATIONS = frozenset("relu gelu silu tanh sigmoid elu softplus softmax log exp".split())
DROPS = frozenset("dropout alpha_dropout".split())
LINEAR = frozenset("Linear Dense LazyLinear".split())


def functions(d: Definition) -> Iterator[Edit]:
    """Sine for cosine, mean for sum, tril for triu, one activation for another."""
    for node in d.nodes():
        if isinstance(node, ast.Call):
            name, head = called(node), node.func
            end = d.span(head)[1]
            for family in FAMILIES:
                for other in family if name in family else ():
                    if other != name:
                        what = f"{name} stands where the formula has {other}"
                        changes = [Change(end - len(name), end, other)]
                        if "softmax" in other and "softmax" not in name:
                            changes.append(d.more(node, "dim=-1" if d.framework == "torch" else "axis=-1"))
                        yield Edit(tuple(changes), what, 0.8, f"word {name} {other}")
            if name in ACTIVATIONS and (node.args or is_method(node, MODULES)):
                inner = head.value if is_method(node, MODULES) and isinstance(head, ast.Attribute) else node.args[0]
                yield Edit((d.replace(node, d.operand(inner)),), f"{name} is not in the formula", 0.9, f"no {name}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for options in OPTIONS:
                for other in options if node.value in options else ():
                    if other != node.value:
                        what = f"'{node.value}' stands where the formula needs '{other}'"
                        yield Edit((d.replace(node, repr(other)),), what, 0.8, f"option {other}")


def exchanged_functions(d: Definition) -> Iterator[Edit]:
    """Sine and cosine in each other's place."""
    for family in FAMILIES:
        calls = [n for n in d.nodes() if isinstance(n, ast.Call) and called(n) in family[:2]]
        if {called(n) for n in calls} == set(family[:2]) and len(calls) <= 6:
            other = {family[0]: family[1], family[1]: family[0]}
            ends = [(d.span(n.func)[1], called(n)) for n in calls]
            changes = tuple(Change(end - len(name), end, other[name]) for end, name in ends)
            yield Edit(changes, f"{family[0]} and {family[1]} are exchanged", 0.85, "words exchanged")


def masks(d: Definition) -> Iterator[Edit]:
    """Conditions the wrong way round, or off by the diagonal."""
    for node in d.nodes():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in FLIPPED:
            left, right = d.operand(node.left), d.operand(node.comparators[0])
            for number_, new in enumerate(FLIPPED[type(node.ops[0])]):
                what = f"the condition {brief(d.source(node))} is the wrong way round: it should be {new}"
                if number_:
                    what = f"{brief(d.source(node))} should be {new}"
                yield Edit((d.replace(node, f"({left} {new} {right})"),), what, 0.7 + 0.1 * number_, f"compare {new}")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Invert, ast.Not)):
            what = f"{brief(d.source(node))} is the mask the wrong way round"
            yield Edit((d.replace(node, d.operand(node.operand)),), what, 0.7, "mask inverted")
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        if name in SELECT and (name != "where" or len(node.args) == 3):
            condition = node.args[0]
            if isinstance(condition, (ast.Name, ast.Attribute, ast.Call)):
                text = f"~({d.source(condition)})" if name != "where" else None
                what = f"{brief(d.source(condition))} is taken the wrong way round"
                if text is not None:
                    yield Edit((d.replace(condition, text),), what, 0.7, "mask inverted")
                    yield Edit((d.replace(condition, f"({d.source(condition)}) == 0"),), what, 0.75, "mask is zero")
            if name == "where":
                a, b = node.args[1:]
                what = f"where chooses {brief(d.source(a))} and {brief(d.source(b))} the wrong way round"
                yield Edit((d.replace(a, d.source(b)), d.replace(b, d.source(a))), what, 0.7, "where")
        if name in ("tril", "triu"):
            yield from _triangle(d, node)
        if name == "band_part" and len(node.args) == 3:
            change = Change(d.span(node.args[1])[0], d.span(node.args[2])[1], "0, -1")
            yield Edit((change,), "band_part keeps the other triangle", 0.8, "band")
            change = Change(d.span(node.args[1])[0], d.span(node.args[2])[1], "-1, 0")
            yield Edit((change,), "band_part keeps the other triangle", 0.8, "band")
    yield from _names_inverted(d)


def _names_inverted(d: Definition) -> Iterator[Edit]:
    """mask * −10⁹ where (1 − mask) is meant."""
    for node in d.nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for mask, scores in ((node.right, node.left), (node.left, node.right)):
                if isinstance(mask, ast.Name) and isinstance(scores, ast.Name):
                    for text in fills(d, scores.id, mask.id):
                        what = f"{scores.id} is multiplied by {mask.id}, where masked scores have to be −∞"
                        yield Edit((d.replace(node, text),), what, 0.85, "mask multiplied")
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and "mask" in node.id.lower():
            text = f"(1 - {node.id})"
            yield Edit((d.replace(node, text),), f"{node.id} is taken the wrong way round", 0.9, "one minus")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and d.source(node.left) in ("1", "1.0"):
            what = f"{brief(d.source(node))} is the mask the wrong way round"
            yield Edit((d.replace(node, d.operand(node.right)),), what, 0.9, "one minus")


def _triangle(d: Definition, node: ast.Call) -> Iterator[Edit]:
    """The diagonal of a triangular mask: shifted by one, or by what came before."""
    word = "diagonal" if d.framework == "torch" else "k"
    given = node.keywords or len(node.args) > (0 if is_method(node, MODULES) else 1)
    if given:
        return
    for shift in (1, -1):
        what = f"{called(node)} begins at the wrong diagonal: {word}={shift} is missing"
        yield Edit((d.more(node, f"{word}={shift}"),), what, 0.8, f"diagonal {shift}")
    inner = node.func.value if is_method(node, MODULES) and isinstance(node.func, ast.Attribute) else node.args[0]
    sizes = list(inner.args) if isinstance(inner, ast.Call) else []
    if len(sizes) == 1 and isinstance(sizes[0], (ast.Tuple, ast.List)):
        sizes = list(sizes[0].elts)
    if len(sizes) == 2 and d.source(sizes[0]) != d.source(sizes[1]):
        shift_ = f"{d.operand(sizes[1])} - {d.operand(sizes[0])}"
        what = (
            "the causal mask starts in the upper left corner: with more keys than queries the diagonal has to be "
            f"shifted by {shift_}"
        )
        yield Edit((d.more(node, f"{word}={shift_}"),), what, 0.75, "corner")


def options(d: Definition) -> Iterator[Edit]:
    """n − 1 in a variance; dropout that stays on; the mean over padding."""
    for node in d.nodes():
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        if name in ("var", "std"):
            word = next((k for k in node.keywords if k.arg in ("unbiased", "ddof", "correction")), None)
            if word is not None:
                shown = d.source(word.value)
                other = {"True": "False", "False": "True", "0": "1", "1": "0"}.get(shown)
                if other is not None:
                    by = "n" if shown in ("False", "0") else "n−1"
                    what = f"{name} divides by {by}, where the formula divides by {'n−1' if by == 'n' else 'n'}"
                    yield Edit((d.replace(word.value, other),), what, 0.4, "bessel")
            else:
                extra, by, not_by = ("unbiased=False", "n−1", "n") if d.framework == "torch" else ("ddof=1", "n", "n−1")
                what = f"{name} divides by {by}, where the formula divides by {not_by}"
                yield Edit((d.more(node, extra),), what, 0.4, "bessel")
        if name in DROPS and node.args and not is_method(node, MODULES):
            what = "dropout stays on outside training"
            yield Edit((d.replace(node, d.operand(node.args[0])),), what, 0.4, "dropout")
        for word in node.keywords:
            if word.arg == "training" and isinstance(word.value, ast.Constant) and word.value.value is True:
                what = "dropout stays on outside training: training=True"
                yield Edit((d.replace(word.value, "False"),), what, 0.4, "dropout")
        if name == "gelu" and not node.keywords:
            yield Edit((d.more(node, "approximate='tanh'"),), "the exact GELU is computed", 0.8, "gelu")
        if name in ("mean", "reduce_mean", "sum", "reduce_sum"):
            yield from _mean(d, node, name)


def _mean(d: Definition, node: ast.Call, name: str) -> Iterator[Edit]:
    method = is_method(node, MODULES)
    inner = node.func.value if method and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult) and not node.keywords and "mean" in name:
        total = "tf.reduce_sum" if d.framework == "tensorflow" else None
        for weight in (inner.right, inner.left):
            w, whole = d.source(weight), d.operand(inner)
            text = f"{total}({whole}) / {total}({w})" if total else f"({whole}.sum() / {d.operand(weight)}.sum())"
            what = f"the mean counts the places that {brief(w)} leaves out (padding)"
            yield Edit((d.replace(node, text),), what, 0.7, "padding")


def variables(d: Definition) -> Iterator[Edit]:
    """One variable or layer for another, arguments exchanged."""
    callers = {id(n.func) for n in d.nodes() if isinstance(n, ast.Call)}
    for function in d.nodes():
        if isinstance(function, ast.FunctionDef):
            yield from _names(d, function, callers)
    kinds = {
        n.targets[0].attr: called(n.value) if isinstance(n.value, ast.Call) else "number"
        for n in d.nodes()
        if isinstance(n, ast.Assign)
        and isinstance(n.targets[0], ast.Attribute)
        and isinstance(n.value, (ast.Call, ast.Name, ast.BinOp))
    }
    members: dict[str, list[ast.Attribute]] = {}
    for node in d.nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and d.source(node.value) == "self":
            members.setdefault(node.attr, []).append(node)
            for other, kind in kinds.items():
                if other != node.attr and kind == kinds.get(node.attr):
                    what = f"self.{node.attr} is used, where the formula has {other}"
                    yield Edit((d.replace(node, f"self.{other}"),), what, 1.1, f"layer {node.attr} {other}")
    for a, b in combinations(members, 2):
        if kinds.get(a) == kinds.get(b) is not None and len(members[a]) + len(members[b]) <= 4:
            changes = [d.replace(n, f"self.{b}") for n in members[a]] + [d.replace(n, f"self.{a}") for n in members[b]]
            yield Edit(tuple(changes), f"self.{a} and self.{b} are exchanged", 1.15, "layer exchanged")


def _names(d: Definition, function: ast.FunctionDef, callers: set[int]) -> Iterator[Edit]:
    for statement in ast.walk(function):
        if isinstance(statement, (ast.Return, ast.Assign)) and statement.value is not None:
            loads = [n for n in ast.walk(statement.value) if isinstance(n, ast.Name) and id(n) not in callers]
            loads = [n for n in loads if n.id not in MODULES and n.id != "self"]
            for a, b in combinations(dict.fromkeys(n.id for n in loads), 2):
                changes = [d.replace(n, b if n.id == a else a) for n in loads if n.id in (a, b)]
                if len(changes) <= 6:
                    yield Edit(tuple(changes), f"{a} and {b} are exchanged", 1.2, "exchanged")
    used = {a.arg: None for a in function.args.args if a.arg not in ("self", "mask", "training")}
    inside = list(ast.walk(function))
    used |= {n.id: None for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id != "_"}
    for node in inside:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in used and len(used) <= 14:
            for other in used:
                if other != node.id and id(node) not in callers:
                    what = f"{node.id} is used, where the formula has {other}"
                    yield Edit((d.replace(node, other),), what, 1.6, f"name {node.id} {other}")
        if isinstance(node, ast.Call):
            for one, two in zip(node.args, node.args[1:], strict=False):
                if isinstance(one, ast.Name) and isinstance(two, ast.Name):
                    what = f"{one.id} and {two.id} are exchanged"
                    yield Edit((d.replace(one, two.id), d.replace(two, one.id)), what, 0.9, "exchanged")


def missing(d: Definition) -> Iterator[Edit]:
    """A projection or a residual that is left out."""
    for node in d.nodes():
        if not isinstance(node, ast.ClassDef):
            continue
        layers = [
            n.targets[0].attr
            for n in ast.walk(node)
            if isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Attribute)
            and isinstance(n.value, ast.Call)
            and called(n.value) in LINEAR
        ]
        uses = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)]
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return) and inner.value is not None and layers:
                given = inner.value.elts[0] if isinstance(inner.value, ast.Tuple) else inner.value
                for layer in [x for x in layers if x not in uses]:
                    what = f"the output projection is missing: self.{layer} is never applied"
                    yield Edit((d.replace(given, f"self.{layer}({d.source(given)})"),), what, 0.4, "projection")
    for node in d.nodes():
        value: ast.expr | None = node.value if isinstance(node, (ast.Assign, ast.Return)) else None
        if isinstance(value, ast.Call):
            for argument in dict.fromkeys(n.id for n in ast.walk(value) if isinstance(n, ast.Name)):
                if argument not in ("self", *MODULES) and argument != called(value):
                    what = f"the residual is missing: {brief(d.source(value))} is not added to {argument}"
                    yield Edit((d.replace(value, f"{argument} + {d.source(value)}"),), what, 1.1, "residual")


RULES = (options, masks, missing, functions, exchanged_functions, variables)
