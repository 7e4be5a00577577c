"""The notation of `collection/*.txt`: topics of declarations, definitions and claims.

# Title in English | 中文标题
A: n m                      a matrix; `x: n` a vector, `c: scalar` a number, `n: size`
S: n n symmetric            properties follow the shape; `tall`: the first size is the larger one, which goes unsaid
i: 1..n                     an index; claims hold at every value
v: d for 1..n               a family of vectors v_1, ..., v_n
X: n random any mu Sigma    a random vector of any law with this mean and covariance (`normal`: Gaussian)
size d = h * d_k            a size that follows from others
L(w) := norm(X @ w - y)**2  a definition; `h[t] := ...` defines a family, `h[0] := ...` its first member
tr(A @ B) == tr(B @ A)      a claim
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from identities.tree import Node, parse

FOLDER = Path(__file__).parent / "collection"
_DECLARATION = re.compile(r"([A-Za-z]\w*(?:, *[A-Za-z]\w*)*): (.+)")


@dataclass(frozen=True)
class Declaration:
    name: str
    kind: str
    """`scalar`, `vector`, `matrix`, `family`, `index`, `size`."""
    shape: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    random: tuple[str, ...] = ()
    """(`any` or `normal` or `bernoulli`, mean, variance)."""


@dataclass(frozen=True)
class Topic:
    title: tuple[str, str]
    declarations: tuple[Declaration, ...]
    definitions: tuple[tuple[Node, Node], ...]
    claims: tuple[Node, ...]
    size_rules: dict[str, Node] = field(default_factory=dict)
    source: str = ""

    def declared(self, name: str) -> Declaration | None:
        return next((d for d in self.declarations if d.name == name), None)


def read_declaration(names: str, text: str) -> list[Declaration]:
    words = text.split()
    low = high = ""
    kind, random = "", ()
    shape: list[str] = []
    properties: list[str] = []
    if "random" in words:
        at = words.index("random")
        random = tuple(words[at + 1 :])
        words = words[:at]
    if "for" in words:
        at = words.index("for")
        low, high = words[at + 1].split("..")
        words = words[:at]
        kind = "family"
    if words and ".." in words[0]:
        low, high = words[0].split("..")
        kind, words = "index", []
    if words == ["size"]:
        kind, words = "size", []
    for word in words:
        if word in PROPERTIES:
            properties.append(word)
        elif word != "scalar":
            shape.append(word)
    kind = kind or ("scalar", "vector", "matrix")[len(shape)]
    return [Declaration(n.strip(), kind, tuple(shape), tuple(properties), low, high, random) for n in names.split(",")]


PROPERTIES = {
    "symmetric", "skew", "spd", "psd", "orthogonal", "orthonormal", "invertible", "diagonal", "lower", "positive",
    "unit", "simplex", "probability", "onehot", "tall",
}  # fmt: skip


def read(text: str, source: str = "") -> list[Topic]:
    """The topics of one file.

    Raises:
        ValueError: a line that is not in the notation.
    """
    topics: list[Topic] = []
    title: tuple[str, str] | None = None
    declarations: list[Declaration] = []
    definitions: list[tuple[Node, Node]] = []
    claims: list[Node] = []
    rules: dict[str, Node] = {}

    def close() -> None:
        if title is not None:
            topics.append(Topic(title, tuple(declarations), tuple(definitions), tuple(claims), dict(rules), source))
        for part in (declarations, definitions, claims, rules):
            part.clear()  # type: ignore[attr-defined]

    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        try:
            if not line:
                continue
            if line.startswith("#"):
                close()
                english, _, chinese = line.lstrip("# ").partition("|")
                title = (english.strip(), chinese.strip() or english.strip())
            elif ":=" in line:
                head, _, body = line.partition(":=")
                node = parse(head)
                if node.op not in ("sym", "at"):  # a function: its name is not an operation
                    node = Node("call", node.args, node.name or node.op)
                definitions.append((node, parse(body)))
            elif line.startswith("size "):
                name, _, rule = line[5:].partition("=")
                rules[name.strip()] = parse(rule)
            elif (match := _DECLARATION.fullmatch(line)) is not None:
                declarations += read_declaration(match[1], match[2])
            else:
                claims.append(parse(line))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{source}:{number}: {error}") from error
    close()
    return [_calls(t) for t in topics]


def _calls(topic: Topic) -> Topic:
    """Functions that the topic defines are calls, whatever their names."""
    own = {head.name for head, _ in topic.definitions if head.op == "call"}

    def change(node: Node) -> Node:
        return Node("call", node.args, node.op) if node.op in own else node

    definitions = tuple((h, b.map(change)) for h, b in topic.definitions)
    claims = tuple(c.map(change) for c in topic.claims)
    return Topic(topic.title, topic.declarations, definitions, claims, topic.size_rules, topic.source)


def collection() -> list[Topic]:
    return [t for file in sorted(FOLDER.glob("*.txt")) for t in read(file.read_text(encoding="utf-8"), file.stem)]
