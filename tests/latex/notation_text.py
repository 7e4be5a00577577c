"""Trees as short text, for tests that people read."""

from __future__ import annotations

from typing import Any

from lemmata.latex import tree as t


def brief(node: t.Node | None) -> str:  # one line per node class
    """`x_1^2` is `(x _1 ^2)`, a braced group `{a b}`, a fraction `(\\frac a b)`, a cell `[a b]`."""
    match node:
        case None:
            return "-"
        case t.Symbol(name=name, limits=limits):
            return name + {None: "", True: "!", False: "~"}[limits]
        case t.Number(text=text):
            return text
        case t.Row(items=items, braced=braced):
            inside = " ".join(map(brief, items))
            return f"{{{inside}}}" if braced else f"[{inside}]"
        case t.Script(base=base, sub=sub, sup=sup, primes=primes):
            below = f" _{brief(sub)}" if sub else ""
            above = f" ^{brief(sup)}" if sup else ""
            return f"({brief(base)}{chr(39) * primes}{below}{above})"
        case t.Fraction(numerator=top, denominator=bottom, command=command):
            return f"({command} {brief(top)} {brief(bottom)})"
        case t.Root(body=body, degree=degree):
            return f"(root {brief(body)}{' ' + brief(degree) if degree else ''})"
        case t.Fenced(left=left, right=right, body=body):
            return f"(fence {left} {brief(body)} {right})"
        case t.Font(command=command, body=body) | t.Accent(command=command, body=body):
            return f"({command} {brief(body)})"
        case t.TextRun(command=command, text=text, parts=parts):
            return f"({command} {text!r}{''.join(' ' + brief(part) for part in parts)})"
        case t.Environment(name=name, rows=rows, argument=argument):
            return (
                f"({name}{argument and ' ' + argument} " + " / ".join(" & ".join(map(brief, row)) for row in rows) + ")"
            )
        case t.Stack(command=command, base=base, above=above, below=below):
            return f"({command} {brief(base)} above {brief(above)} below {brief(below)})"
        case t.Phantom(command=command, argument=argument):
            return f"<{command}{argument and ' ' + argument}>"
        case t.Styled(command=command, body=body, argument=argument):
            return f"({command}{argument and ' ' + repr(argument)} {brief(body)})"
        case t.Gap(source=source, reason=reason):
            return f"GAP({source!r}: {reason})"
    raise AssertionError(f"no text for {node!r}")


def without_positions(value: Any) -> Any:
    """A tree as nested tuples without start and end."""
    if isinstance(value, t.Node):
        names = [name for name in value.__struct_fields__ if name not in ("start", "end")]
        return (type(value).__name__, *(without_positions(getattr(value, name)) for name in names))
    return tuple(map(without_positions, value)) if isinstance(value, tuple) else value
