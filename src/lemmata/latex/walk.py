"""Going over a notation tree without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.latex.tree import (
    Accent,
    Environment,
    Fenced,
    Font,
    Fraction,
    Gap,
    Node,
    Root,
    Row,
    Script,
    Stack,
    Styled,
    TextRun,
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside a node, in the order they are read."""
    match node:
        case Row(items=items):
            return items
        case Script(base=base, sub=sub, sup=sup):
            return tuple(part for part in (base, sub, sup) if part is not None)
        case Fraction(numerator=numerator, denominator=denominator):
            return (numerator, denominator)
        case Font(body=body) | Accent(body=body) | Styled(body=body) | Fenced(body=body):
            return (body,)
        case Root(body=body, degree=degree):
            return (body,) if degree is None else (degree, body)
        case Environment(rows=rows):
            return tuple(cell for row in rows for cell in row)
        case Stack(base=base, above=above, below=below):
            return tuple(part for part in (base, above, below) if part is not None)
        case TextRun(parts=parts):
            return parts
    return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside it, parents first, in reading order."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def gaps(node: Node) -> tuple[Gap, ...]:
    """What could not be read, in reading order."""
    return tuple(part for part in walk(node) if isinstance(part, Gap))
