"""Edits of arithmetic: operators, operands, roots, signs, numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lemmata.code.edits.axes import MODULES
from lemmata.code.edits.text import Definition, Edit, called, number

SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
OTHERS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-", "*"), ast.Sub: ("+",), ast.Mult: ("/", "+"), ast.Div: ("*",), ast.MatMult: (),
}  # fmt: skip
DOES = {"+": "added", "-": "subtracted", "*": "multiplied by", "/": "divided by"}
SHORT = 40


def operators(d: Definition) -> Iterator[Edit]:
    """Another operator; an operand too many; operands the other way round."""
    for node in d.nodes():
        if isinstance(node, ast.AugAssign) and type(node.op) in SIGNS:
            old, amount = SIGNS[type(node.op)], brief(d.source(node.value))
            start, stop = d.span(node.target)[1], d.span(node.value)[0]
            for new in OTHERS[type(node.op)]:
                between = d.text[start:stop].replace(f"{old}=", f"{new}=")
                change = type(d.replace(node, ""))(start, stop, between)
                yield Edit((change,), says(old, new, amount), 1.0, f"sign {old}{new}")
        if not isinstance(node, ast.BinOp) or type(node.op) not in SIGNS:
            continue
        old = SIGNS[type(node.op)]
        left, right = d.operand(node.left), d.operand(node.right)
        for new in OTHERS[type(node.op)]:
            text = f"({left} {new} {right})"
            yield Edit((d.replace(node, text),), says(old, new, brief(right)), 1.0, f"sign {old}{new}")
        if old in "+-*/":
            extra = {"+": "+ ", "-": "− ", "*": "the factor ", "/": "the division by "}[old] + brief(right)
            yield Edit((d.replace(node, left),), f"{extra} is not in the formula", 1.0, f"drop {old} right")
            if old in "+*":
                extra = "the factor " if old == "*" else "the term "
                text = f"{extra}{brief(left)} is not in the formula"
                yield Edit((d.replace(node, right),), text, 1.05, f"drop {old} left")
        if old in "-/@":
            what = f"{brief(left)} {old} {brief(right)} stands the wrong way round"
            yield Edit((d.replace(node, f"({right} {old} {left})"),), what, 1.1, f"round {old}")
        if old == "@":
            turned = _turned(d, node.right)
            yield Edit((d.replace(node.right, turned),), f"{brief(right)} is not transposed", 0.9, "turn right")
            what = f"{brief(left)} @ {brief(right)} is the transpose of what the formula has"
            yield Edit((d.replace(node, _turned(d, node)),), what, 0.95, "turn both")
            turned = _turned(d, node.left)
            yield Edit((d.replace(node.left, turned),), f"{brief(left)} is not transposed", 1.0, "turn left")
        if old == "/":
            what = f"divided by {brief(right)}, not by its square root"
            yield Edit((d.replace(node.right, f"({right}) ** 0.5"),), what, 0.8, "root")
        if old == "*":
            for side, text in ((node.right, right), (node.left, left)):
                what = f"multiplied by {brief(text)}, not by its square root"
                yield Edit((d.replace(side, f"({text}) ** 0.5"),), what, 1.2, "root of a factor")


def roots(d: Definition) -> Iterator[Edit]:
    """A root too many or a reciprocal root; powers; the place of a small number under a root."""
    for node in d.nodes():
        if isinstance(node, ast.Call) and called(node) in ("sqrt", "rsqrt") and _operand(node) is not None:
            inner = _operand(node)
            assert inner is not None
            name, text = called(node), d.operand(inner)
            if name == "sqrt":
                yield Edit((d.replace(node, text),), f"the square root of {brief(text)} is taken", 0.7, "no root")
            other = f"({text}) ** {'-0.5' if name == 'sqrt' else '0.5'}"
            what = "the square root is taken, not its reciprocal" if name == "sqrt" else "the reciprocal root is taken"
            yield Edit((d.replace(node, other),), what, 0.9, "reciprocal")
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add):
                small, big = d.operand(inner.right), d.source(inner.left)
                text = "(" + d.text[d.span(node)[0] : d.span(inner)[0]] + big
                text += d.text[d.span(inner)[1] : d.span(node)[1]] + f" + {small})"
                yield Edit((d.replace(node, text),), f"{brief(small)} is added under the root", 0.6, "outside")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            root, small = node.left, d.operand(node.right)
            if isinstance(root, ast.Call) and called(root) == "sqrt" and (inner := _operand(root)) is not None:
                text = d.text[d.span(root)[0] : d.span(inner)[0]] + f"{d.operand(inner)} + {small}"
                text += d.text[d.span(inner)[1] : d.span(root)[1]]
                yield Edit((d.replace(node, text),), f"{brief(small)} is added outside the root", 0.6, "under")
            elif isinstance(root, ast.Name) or isinstance(root, ast.Call) and called(root) in ("std", "norm"):
                text = f"({d.source(root)} ** 2 + {small}) ** 0.5"
                what = f"{brief(small)} is added to {brief(d.source(root))}, not under the root to its square"
                yield Edit((d.replace(node, text),), what, 1.0, "under")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, old = d.operand(node.left), number(node.right)
            if old is None:
                yield Edit((d.replace(node, base),), f"the power {brief(d.source(node))} is taken", 1.2, "no power")
                continue
            for new in dict.fromkeys((-old, old * 2, old / 2, 2, 3, 1, 0.5, -0.5, old - 1, old + 1)):
                if new != old:
                    what = f"the power {old:g} is taken, where the formula has {new:g}"
                    text = f"{new:g}" if new > 0 else f"({new:g})"
                    yield Edit((d.replace(node.right, text),), what, 0.9, f"power {old} {new}")


def signs(d: Definition) -> Iterator[Edit]:
    """A minus too many, or one that is missing."""
    for node in d.nodes():
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and number(node) is None:
            text = f"the sign of {brief(d.source(node.operand))} is changed"
            yield Edit((d.replace(node, d.operand(node.operand)),), text, 0.9, "minus")
        if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Tuple):
            yield Edit((d.replace(node.value, f"-({d.source(node.value)})"),), "the sign is wrong", 1.2, "sign")
            for factor, words in (("0.5", "1/2"), ("2", "2")):
                text = f"{factor} * ({d.source(node.value)})"
                yield Edit((d.replace(node.value, text),), f"a factor {words} is missing", 1.25, f"factor {words}")
        if isinstance(node, ast.Call) and called(node) in ("cat", "concat", "concatenate", "stack") and node.args:
            parts = node.args[0].elts if isinstance(node.args[0], (ast.List, ast.Tuple)) else []
            if len(parts) == 2:
                for flipped in ((True, False), (False, True), (True, True)):
                    new = [_negated(d, p) if f else d.source(p) for p, f in zip(parts, flipped, strict=True)]
                    yield Edit(
                        (d.replace(node.args[0], f"[{new[0]}, {new[1]}]"),), "a sign is wrong among the parts put "
                        "together", 1.0, f"part signs {flipped}",
                    )  # fmt: skip
                a, b = map(d.source, parts)
                what = f"{brief(a)} and {brief(b)} are put together in the wrong order"
                yield Edit((d.replace(node.args[0], f"[{b}, {a}]"),), what, 0.9, "parts swapped")


def numbers(d: Definition) -> Iterator[Edit]:
    """Numbers that are off by one, have another sign, another order of magnitude."""
    for node in d.nodes():
        old = number(node)
        if old is None or isinstance(node, ast.Constant) and _signed(d, node):
            continue
        tried: list[float] = []
        if isinstance(old, int) and abs(old) <= 12:
            tried += [old - 1, old + 1, 2 * old, -old]
        if old in (0.5, 1, 2):
            tried += [1, 2, 0.5]
        if isinstance(old, float) or abs(old) >= 100:
            tried += [old * 10, old / 10, -old, 1 - old]
        if isinstance(old, float) and old and (abs(old) < 1e-4 or abs(old) > 1e4):
            tried += [1 / old, -1 / old]
        if abs(old) > 65504:
            tried += [1e4 if old > 0 else -1e4]
        if old <= 0 or abs(old) >= 100 or 0 < abs(old) < 1e-3:
            tried += [float("-inf")]
        for new in dict.fromkeys(tried):
            if new != old:
                text = 'float("-inf")' if new == float("-inf") else str(int(new)) if new == int(new) and isinstance(
                    old, int) else f"{new:g}"  # fmt: skip
                shown = "−∞" if new == float("-inf") else f"{new:g}"
                what = f"the number {old:g} stands where the formula has {shown}"
                yield Edit((d.replace(node, text if new >= 0 or "inf" in text else f"({text})"),), what, 1.3,
                           f"number {old} {new}")  # fmt: skip


def says(old: str, new: str, amount: str) -> str:
    return (
        f"{amount} is {DOES[old]}, not {DOES[new]}"
        if old in "+-" and new in "+-"
        else (f"{DOES[old]} {amount}, where the formula needs {new} {amount}")
    )


def brief(text: str) -> str:
    text = " ".join(text.split())
    if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
        text = text[1:-1]
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def _operand(node: ast.Call) -> ast.expr | None:
    if node.args:
        return node.args[0]
    return node.func.value if isinstance(node.func, ast.Attribute) else None


def _negated(d: Definition, node: ast.expr) -> str:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return d.operand(node.operand)
    return f"-{d.operand(node)}"


def _turned(d: Definition, node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return d.source(node.value)
    text = d.operand(node)
    if d.framework == "tensorflow":
        return f"tf.linalg.matrix_transpose({text})"
    return f"{text}.{'transpose' if d.framework == 'torch' else 'swapaxes'}(-2, -1)"


def _signed(d: Definition, node: ast.Constant) -> bool:
    """Whether a minus stands before the number, which is then tried together with it."""
    start = d.span(node)[0]
    return d.text[:start].rstrip().endswith("-") and any(
        isinstance(n, ast.UnaryOp) and n.operand is node for n in d.nodes()
    )


def scales(d: Definition) -> Iterator[Edit]:
    """A product of queries and keys that nothing divides."""
    for node in d.nodes():
        product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
        if product or isinstance(node, ast.Call) and called(node) in ("matmul", "einsum", "bmm", "dot"):
            for name in dict.fromkeys(n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
                if name not in MODULES:
                    width = f"{name}.shape[-1] ** 0.5"
                    if d.framework == "tensorflow":
                        width = f"tf.cast(tf.shape({name})[-1], {name}.dtype) ** 0.5"
                    what = f"{brief(d.source(node))} is not divided by the root of the width of {name}"
                    yield Edit((d.replace(node, f"({d.source(node)}) / {width}"),), what, 1.0, "scale")


def factors(d: Definition) -> Iterator[Edit]:
    """A root, a power or a factor 1 − β that is missing at a term."""
    for function in d.nodes():
        if not isinstance(function, ast.FunctionDef):
            continue
        names = [a.arg for a in function.args.args if a.arg != "self"][:10]
        for node in ast.walk(function):
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
                continue
            for term in (node.left, node.right):
                if not isinstance(term, ast.Name):
                    continue
                if isinstance(node.op, (ast.Add, ast.Sub)):
                    yield Edit(
                        (d.replace(term, f"{term.id} ** 0.5"),), f"the root of {term.id} is missing", 1.2, "add root"
                    )
                for name in names:
                    if name == term.id:
                        continue
                    if isinstance(node.op, (ast.Add, ast.Sub)):
                        what = f"{term.id} lacks the factor 1 − {name}"
                        yield Edit((d.replace(term, f"(1 - {name}) * {term.id}"),), what, 1.4, "add factor")
                        yield Edit((d.replace(term, f"{term.id} ** {name}"),), f"{term.id} lacks the power {name}", 1.4,
                                   "add power")  # fmt: skip
                        what = f"{term.id} lacks the factor {name}"
                        yield Edit((d.replace(term, f"{name} * {term.id}"),), what, 1.4, "add factor")


def terms(d: Definition) -> Iterator[Edit]:
    """A factor 2 or 1/2 that is missing at one term of a sum."""
    for node in d.nodes():
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Add, ast.Sub)):
            continue
        for term in (node.left, node.right):
            if (
                isinstance(term, ast.Constant)
                or isinstance(term, ast.BinOp)
                and isinstance(term.op, (ast.Add, ast.Sub))
            ):
                continue
            for factor, words in (("0.5", "1/2"), ("2", "2")):
                what = f"a factor {words} is missing at {brief(d.source(term))}"
                yield Edit((d.replace(term, f"{factor} * {d.operand(term)}"),), what, 1.35, f"term factor {words}")


RULES = (operators, roots, signs, numbers, scales, factors, terms)
