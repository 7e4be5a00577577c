"""Surface expressions as compact s-expressions, for tests and explanations."""

from __future__ import annotations

from lemmata.elaborate import surface as s


def show(expr: s.Expr | None) -> str:
    """One line: `(+ a (* ...))`-like, every kind by a short word, names with their scripts as written."""
    match expr:
        case None:
            return "-"
        case s.Num(value=value):
            return str(value)
        case s.Name():
            return _name(expr)
        case s.Mark(name=name):
            return f"<{name}>"
        case s.Const(name=name, sup=sup, sub=sub):
            return f"#{name}{_scripts(sub, sup, 0)}"
        case s.Scripted(base=base, sub=sub, sup=sup, primes=primes):
            return f"{show(base)}{_scripts(sub, sup, primes)}"
        case s.Juxt(items=items):
            return f"[{_all(items)}]"
        case s.Paren(open=left, close=right, items=items, separators=separators):
            return f"{left}{_listed(items, separators)}{right}"
        case s.Infix(ops=ops, items=items) | s.Relation(ops=ops, items=items):
            inner = show(items[0]) + "".join(f" {op} {show(x)}" for op, x in zip(ops, items[1:], strict=True))
            return f"{{{inner}}}" if isinstance(expr, s.Infix) else inner if not _has_relation(items) else f"({inner})"
        case s.Sign(op=op, body=body):
            return f"{op}{show(body)}"
        case s.Quotient(numerator=top, denominator=bottom, command=command):
            return f"({command[1:]} {show(top)} {show(bottom)})"
        case s.RootOf(body=body, degree=degree):
            return f"(sqrt {show(body)})" if degree is None else f"(root {show(degree)} {show(body)})"
        case s.Bars(kind=kind, body=body):
            return f"{kind}{show(body)}{kind}"
        case s.Angle(items=items):
            return f"<{', '.join(show(i) for i in items)}>"
        case s.Floor(kind=kind, body=body):
            return f"({kind} {show(body)})"
        case s.Big(op=op, lower=lower, upper=upper, body=body, differential=differential):
            limits = f"_{_braced(lower)}" if lower is not None else ""
            limits += f"^{_braced(upper)}" if upper is not None else ""
            end = f" d {show(differential)}" if differential is not None else ""
            return f"({op.replace(chr(92), '')}{limits} {show(body)}{end})"
        case s.Call(function=function, arguments=arguments, separators=separators, bracketed=bracketed):
            inside = _listed(arguments, separators)
            return f"{_name(function)}({inside})" if bracketed else f"({_name(function)} {inside})"
        case s.Derivative(style=style, order=order, numerator=numerator, wrt=wrt):
            head = {"partial": "D", "d": "d", "nabla": "grad"}[style] + (str(order) if order != 1 else "")
            by = ", ".join(show(x) + (f"*{n}" if n != 1 else "") for x, n in wrt)
            return f"({head}/{by} {show(numerator)})" if by else f"({head} {show(numerator)})"
        case s.Differential(body=body):
            return f"(diff {show(body)})"
        case s.Evaluated(body=body, at=at):
            return f"({show(body)} at {show(at)})"
        case s.Expectation(op=op, sub=sub, arguments=arguments, given=given, sup=sup):
            inside = ", ".join(show(a) for a in arguments) + (
                f" | {', '.join(show(g) for g in given)}" if given else ""
            )
            return f"{op}{_scripts(sub, None, 0)}<{inside}>{_scripts(None, sup, 0)}"
        case s.Matrix(kind=kind, rows=rows):
            return f"({kind} " + "; ".join(", ".join(show(e) for e in row) for row in rows) + ")"
        case s.CasesOf(branches=branches):
            return (
                "(cases "
                + "; ".join(f"{show(x)} if {show(c)}" if c is not None else show(x) for x, c in branches)
                + ")"
            )
        case s.Words(text=text):
            return f'"{text}"'
        case s.Listing(items=items, separators=separators):
            return f"({_listed(items, separators)})"
        case s.Choice(options=options, key=key):
            return f"{{{key}: " + " OR ".join(show(o) for o in options) + "}"
        case s.Unread(reason=reason):
            return f"UNREAD({reason})"
    raise TypeError(f"no way to show {type(expr).__name__}")


def _name(name: s.Name) -> str:
    text = "".join(f"{a}~" for a in name.accents)
    text += f"{name.font}:" if name.font else ""
    text += f"'{name.base}'" if name.word and not name.base.startswith("\\") else name.base
    return text + _scripts(name.sub, name.sup, name.primes)


def _scripts(sub: s.Expr | None, sup: s.Expr | None, primes: int) -> str:
    text = "'" * primes
    if sub is not None:
        text += f"_{_braced(sub)}"
    if sup is not None:
        text += f"^{_braced(sup)}"
    return text


def _braced(expr: s.Expr) -> str:
    text = show(expr)
    return text if len(text) == 1 or text[0] in "([{<" and not isinstance(expr, s.Relation) else f"{{{text}}}"


def _all(items: tuple[s.Expr, ...]) -> str:
    return " ".join(show(i) for i in items)


def _listed(items: tuple[s.Expr, ...], separators: tuple[str, ...]) -> str:
    if not items:
        return ""
    text = _plain(items[0])
    for separator, item in zip(separators, items[1:], strict=True):
        text += ("" if separator in (",", ";") else " ") + separator + " " + _plain(item)
    return text


def _plain(expr: s.Expr) -> str:
    """Without the braces or brackets that set it apart, where something else does."""
    text = show(expr)
    return text[1:-1] if isinstance(expr, s.Infix | s.Juxt) else text


def _has_relation(items: tuple[s.Expr, ...]) -> bool:
    return any(isinstance(i, s.Relation) for i in items)
