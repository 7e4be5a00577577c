"""Named operators: which words denote an operation, and the types of their results."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.gaussians import logarithm
from lemmata.elaborate.names import spell, suffix
from lemmata.elaborate.reader import Reader, size_number
from lemmata.elaborate.sequences import has_dots, sequence
from lemmata.elaborate.solver import Misfit, Unreadable, unknown

ELEMENTWISE = {
    "exp": "exp",
    "log": "log",
    "ln": "log",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsin": "arcsin",
    "arccos": "arccos",
    "arctan": "arctan",
    "erf": "erf",
    "sqrt": "sqrt",
    "sigmoid": "sigmoid",
    "Sigmoid": "sigmoid",
    "relu": "relu",
    "ReLU": "relu",
    "RELU": "relu",
    "gelu": "gelu",
    "GELU": "gelu",
    "silu": "silu",
    "SiLU": "silu",
    "swish": "silu",
    "Swish": "silu",
    "softplus": "softplus",
    "elu": "elu",
    "ELU": "elu",
    "sign": "sign",
    "sgn": "sign",
    "abs": "abs",
    "Re": "real",
    "Im": "imag",
    "expit": "sigmoid",
    "logistic": "sigmoid",
    "Tanh": "tanh",
    "logit": "logit",
    "floor": "floor",
    "ceil": "ceil",
}
SOFTMAX = {
    "softmax": "softmax",
    "Softmax": "softmax",
    "SoftMax": "softmax",
    "logsoftmax": "log_softmax",
    "LogSoftmax": "log_softmax",
    "log_softmax": "log_softmax",
}
NORMALISE = {
    "LayerNorm": "layer_norm",
    "layernorm": "layer_norm",
    "LN": "layer_norm",
    "Layernorm": "layer_norm",
    "RMSNorm": "rms_norm",
}
INVERSE_OF = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
SYMBOLS = {"\\sigma": "sigmoid", "\\Phi": "normal_cdf", "\\varphi": "normal_pdf", "\\phi": "normal_pdf"}


def operator_name(r: Reader, name: s.Name) -> str | None:
    """The catalogue's word for a name, backslash dropped."""
    word = name.base.lstrip("\\")
    if word in RULES or word in ELEMENTWISE or word in SOFTMAX or word in NORMALISE:
        return word
    if name.base == "\\sigma" and "sigmoid" in r.shared.conventions.words or name.base in r.shared.conventions.words:
        return SYMBOLS.get(name.base)
    if name.base == "\\sigma" and not name.accents and name.sub is None:
        return "sigmoid"
    if name.base == "\\Re":
        return "Re"
    if name.base == "\\Im":
        return "Im"
    return None


def is_operator(r: Reader, name: s.Name) -> bool:
    if name.accents or name.font == "bold":
        return False
    return operator_name(r, name) is not None


def apply_operator(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    """A named operator at its operands (`given`, or as written). Raises Unreadable for a word nobody defines."""
    word = operator_name(r, call.function)
    if word is None:
        raise Unreadable(f"{call.function.base} is not defined")
    special = RULES.get(word)
    if special is not None:
        value = special(r, call, given)
    else:
        value = _pointwise(r, word, call, given)
    return _after(r, word, value, call.function)


def _after(r: Reader, word: str, value: t.Term, name: s.Name) -> t.Term:
    """\\tanh^2(x), \\sin^{-1}(x), \\log_2 x."""
    if name.sub is not None and word in ("log", "ln"):
        value = a.elementwise("div", value, a.elementwise("log", r.term(name.sub)))
    if name.sup is None:
        return value
    kind = suffix(name.sup, True)
    if kind is not None and kind.kind == "inverse" and word in INVERSE_OF and isinstance(value, t.Op):
        return replace(value, name=INVERSE_OF[word])
    if kind is not None and kind.kind == "transpose":
        return a.transpose(value)
    if kind is not None and kind.kind == "inverse":
        return a.inverse(r.solver, value)
    if kind is not None and kind.kind == "power" and kind.exponent is not None:
        return a.elementwise("pow", value, r.term(kind.exponent))
    raise Unreadable(f"the superscript of {word}")


def _operand(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    if given is not None:
        return given[0]
    if len(call.arguments) != 1:
        raise Unreadable(f"{call.function.base} takes one argument")
    return r.term(call.arguments[0])


def _pointwise(r: Reader, word: str, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    x = _operand(r, call, given)
    if word in ELEMENTWISE:
        name = ELEMENTWISE[word]
        known = logarithm(x) if name == "log" else None
        if known is not None:
            return known
        if (
            name == "exp"
            and x.type.rank == 2
            and r.solver.equal(*x.type.shape)
            and r.choice("exp", call, 2, ("exp read elementwise", "exp read as the matrix exponential"))
        ):
            return t.Op(x.type, "matrix_exp", (x,))
        if name in ("real", "imag"):
            return t.Op(replace(x.type, dtype="real"), name, (x,))
        return t.Op(
            x.type
            if name in ("abs", "sign")
            else replace(x.type, dtype="complex" if x.type.dtype == "complex" else "real"),
            name,
            (x,),
        )
    if word in SOFTMAX:
        if x.type.rank == 0:
            return _component_form(r, word, call)
        return t.Op(
            x.type, SOFTMAX[word], (x,), (("axis", x.type.rank - 1 if r.shared.conventions.rowwise_softmax else 0),)
        )
    if word in NORMALISE:
        if x.type.rank == 0:
            raise Unreadable(f"{word} of a number")
        return t.Op(x.type, NORMALISE[word], (x,), (("axis", x.type.rank - 1),))
    if x.type.rank == 0 and word in ("normal_cdf", "normal_pdf"):
        return t.Op(SCALAR, word, (x,))
    return t.Op(x.type, word, (x,))


def _component_form(r: Reader, word: str, call: s.Call) -> t.Term:
    """softmax(x_i) is component i of softmax(x)."""
    x = r.term(call.arguments[0])
    if isinstance(x, t.Item) and x.base.type.rank == len(x.indices) and all(i is not None for i in x.indices):
        whole = t.Op(x.base.type, SOFTMAX[word], (x.base,), (("axis", x.base.type.rank - 1),))
        return t.Item(SCALAR, whole, x.indices, x.origins)
    raise Unreadable(f"{word} of a number")


def _square(r: Reader, x: t.Term, what: str) -> Size:
    if x.type.rank == 0:
        return Size.of(1)
    if x.type.rank != 2:
        raise Misfit(f"the {what} of {a.shape_text(x.type)}", x.type.shape)
    try:
        r.solver.unify(*x.type.shape)
    except Misfit as misfit:
        raise Misfit(
            f"the {what} of a matrix that is not square: {r.solver.type(x.type)}", x.type.shape[:1], x.type.shape[1:]
        ) from misfit
    return x.type.shape[0]


def _scalar_of_matrix(name: str, what: str) -> Callable[..., t.Term]:
    def rule(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
        x = _operand(r, call, given)
        _square(r, x, what)
        if x.type.rank == 0:
            return x
        return t.Op(replace(SCALAR, dtype=x.type.dtype), name, (x,))

    return rule


def _vec(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    x = _operand(r, call, given)
    if x.type.rank != 2:
        if x.type.rank == 1:
            return x
        raise Unreadable("vec of something that is no matrix")
    return t.Op(Tensor((x.type.shape[0] * x.type.shape[1],), False, x.type.dtype), "vec", (x,))


def _diag(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    """diag of a vector is the matrix, of a matrix its diagonal; diag(a_1, …, a_n) lists the entries."""
    if given is None and len(call.arguments) > 1:
        x = sequence(r, call.arguments) if has_dots(call.arguments) else _listed(r, call.arguments)
    else:
        x = _operand(r, call, given)
    if x.type.rank == 1:
        return t.Op(Tensor((x.type.shape[0], x.type.shape[0]), False, x.type.dtype), "diag", (x,))
    if x.type.rank == 2:
        size = _square(r, x, "diagonal")
        return t.Op(Tensor((size,), False, x.type.dtype), "diagonal", (x,))
    raise Unreadable("diag of a number")


def _listed(r: Reader, items: tuple[s.Expr, ...]) -> t.Term:
    values = tuple(r.term(i) for i in items)
    if any(v.type.rank for v in values):
        raise Unreadable("a list of things that are no numbers")
    return t.Op(Tensor((Size.of(len(values)),), False, a.join_dtype(*(v.type for v in values))), "list", values)


def _extreme(name: str) -> Callable[..., t.Term]:
    def rule(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
        values = given or tuple(r.term(x) for x in call.arguments)
        if len(values) == 1:
            x = values[0]
            if x.type.rank == 0:
                raise Unreadable(f"the {name} of one number")
            return t.Op(SCALAR, f"reduce_{name}", (x,))
        result = values[0]
        for value in values[1:]:
            result = a.hadamard(r.solver, result, value, "maximum" if name == "max" else "minimum")
        return result

    return rule


def _concat(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    """Concat(head_1, …, head_h): side by side along the last axis."""
    if given is None and has_dots(call.arguments):
        family = sequence(r, call.arguments)
        if not isinstance(family, t.Build) or family.type.rank < 2:
            raise Unreadable("a concatenation of numbers")
        body = family.body
        last = len(body.type.shape) - 1
        shape = (*body.type.shape[:-1], body.type.shape[-1] * family.vars[0].count)
        return t.Stacked(replace(body.type, shape=shape), family.vars[0], body, last)
    values = given or tuple(r.term(x) for x in call.arguments)
    last = values[0].type.rank - 1
    if last < 0:
        raise Unreadable("a concatenation of numbers")
    total = Size.of(0)
    for value in values:
        if value.type.rank != last + 1:
            raise Misfit("a concatenation of different ranks", values[0].type.shape, value.type.shape)
        for x, y in zip(values[0].type.shape[:-1], value.type.shape[:-1], strict=True):
            r.solver.unify(x, y)
        total = total + value.type.shape[-1]
    return t.Op(replace(values[0].type, shape=(*values[0].type.shape[:-1], total)), "concat", values, (("axis", last),))


def _mean(name: str) -> Callable[..., t.Term]:
    def rule(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
        x = _operand(r, call, given)
        if x.type.rank == 0:
            raise Unreadable(f"the {name} of one number")
        return t.Op(SCALAR, name, (x,))

    return rule


def _attention(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    raise Unreadable("Attention is not defined")


def _rank_of(r: Reader, call: s.Call, given: tuple[t.Term, ...] | None) -> t.Term:
    x = _operand(r, call, given)
    if x.type.rank != 2:
        raise Unreadable("the rank of something that is no matrix")
    return t.Op(replace(SCALAR, dtype="int"), "matrix_rank", (x,))


def _exponential_of_size(value: Fraction) -> t.Term:
    return size_number(Size.of(value))


RULES: dict[str, Callable[..., t.Term]] = {
    "tr": _scalar_of_matrix("trace", "trace"),
    "Tr": _scalar_of_matrix("trace", "trace"),
    "trace": _scalar_of_matrix("trace", "trace"),
    "det": _scalar_of_matrix("det", "determinant"),
    "vec": _vec,
    "diag": _diag,
    "Diag": _diag,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "Concat": _concat,
    "concat": _concat,
    "Concatenate": _concat,
    "mean": _mean("mean"),
    "rank": _rank_of,
}


def new_size(name: str) -> Size:
    return unknown(name)


def elementwise_function(word: str) -> Callable[..., t.Term]:
    """The catalogue's operation as a function of the document."""
    return lambda _, arguments: t.Op(replace(arguments[0].type, dtype="real"), word, (arguments[0],))


def word_text(expr: s.Expr) -> str:
    return spell(expr)
