"""Recognised operations in the words of PyTorch: `scaled_dot_product_attention(is_causal=True)`."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.operations import catalogue
from lemmata.operations.pattern import numeric, opened
from lemmata.program.graph import ordered
from lemmata.program.node import Node


def spelled(outputs: Sequence[Node]) -> list[str]:
    """The calls of a program in the order in which they run, each once, with how often where that is more than once."""
    found: dict[str, int] = {}
    for node in ordered(outputs):
        if node.op == "call":
            text = _call(node)
            found[text] = found.get(text, 0) + 1
    return [text if count == 1 else f"{text}, {count} times" for text, count in found.items()]


def _call(node: Node) -> str:
    name = str(node.attr("name"))
    native = catalogue()[name].native.get("torch", name).removeprefix("torch.").removeprefix("nn.functional.")
    if name == "attention":
        return f"{native}({', '.join(_flags(node))})"
    given = [f"{k}=…" for k in _options(node)]
    return f"{native}({', '.join(given)})" if given else native


def _options(node: Node) -> list[str]:
    """The optional arguments of a norm that are there."""
    count = len(node.args) - 2
    if node.attr("name") not in ("layer_norm", "rms_norm") or count < 1:
        return []
    return [n for n, x in zip(("eps", "weight", "bias"), node.args[1:-1], strict=False) if numeric(x) != 0]


def _flags(node: Node) -> list[str]:
    names = dict(node.attr("attrs"))
    scale, masks = numeric(node.args[3]), node.args[4:-1]
    flags = [f"attn_mask={_name(masks[0])}"] if masks else []
    if names.get("causal"):
        flags.append("is_causal=True")
    if scale is None:
        flags.append("scale=…")
    elif abs(scale * names["feature"].size ** 0.5 - 1) > 1e-9:
        flags.append(f"scale={scale:.6g}")
    if "groups" in names:
        flags.append("enable_gqa=True")
    return flags


def _name(node: Node) -> str:
    node = opened(node)
    while node.op in ("rename", "broadcast"):
        node = node.args[0]
    return str(node.attr("name")) if node.op == "input" else "…"
