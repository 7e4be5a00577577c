r"""How programmers spell what a formula calls `\hat y`, `\mathbf W_q`, `\text{MultiHead}`, `\partial L/\partial w`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from msgspec import Struct

FONTS = frozenset(
    "mathbf boldsymbol bm mathrm mathit mathsf mathtt mathcal mathscr mathbb mathfrak text textbf textit textrm "
    "operatorname bf rm it cal boldmath symbf symrm pmb texttt displaystyle left right".split()
)
ACCENTS = {
    "hat": ("_hat", "hat", "_pred", "_est"),
    "widehat": ("_hat", "hat", "_pred"),
    "bar": ("_bar", "bar", "_mean"),
    "overline": ("_bar", "bar", "_mean"),
    "tilde": ("_tilde", "tilde"),
    "widetilde": ("_tilde", "tilde"),
    "dot": ("_dot", "dot"),
    "vec": ("",),
}
SYMBOLS: dict[str, tuple[str, ...]] = {
    "L": ("loss", "L", "loss_value"),
    "ell": ("loss", "ell", "l"),
    "J": ("J", "cost", "loss"),
    "lambda": ("lam", "lambda_", "lambd", "lmbda", "lmbd", "reg", "weight_decay"),
    "eta": ("eta", "lr", "learning_rate", "step_size", "stepsize"),
    "theta": ("theta", "angle"),
    "tau": ("tau", "temperature"),
    "epsilon": ("eps", "epsilon"),
    "varepsilon": ("eps", "epsilon"),
    "sigma": ("sigma", "sigmoid", "std"),
    "mu": ("mu", "mean"),
    "y": ("y", "y_true", "target", "targets", "labels"),
    "M": ("M", "mask", "attn_mask", "attention_mask"),
    "m": ("m", "mask", "attention_mask"),
    "varphi": ("phi", "varphi"),
}
"""Letters with the words that code has for them."""
WORDS: dict[str, tuple[str, ...]] = {
    "attention": ("attention", "scaled_dot_product_attention", "scaled_dot_product", "dot_product_attention",
                  "self_attention", "attn", "sdpa"),
    "multihead": ("multi_head", "multi_head_attention", "multi_head_self_attention", "mha", "self_attention"),
    "multiheadattention": ("multi_head_attention", "multi_head", "multi_head_self_attention", "mha"),
    "ffn": ("ffn", "feed_forward", "positionwise_feed_forward", "position_wise_ffn", "feed_forward_network", "mlp",
            "ff"),
    "feedforward": ("feed_forward", "ffn", "positionwise_feed_forward", "mlp"),
    "layernorm": ("layer_norm", "layer_normalization", "norm", "ln"),
    "pe": ("pe", "positional_encoding", "position_encoding", "pos_encoding", "sinusoidal_encoding"),
    "encoder": ("encoder", "encoder_layer", "encoder_block", "transformer_encoder", "transformer_encoder_layer"),
    "mse": ("mse", "mse_loss", "mean_squared_error"),
    "crossentropy": ("cross_entropy", "cross_entropy_loss", "ce"),
    "relu": ("relu",),
    "loss": ("loss",),
}  # fmt: skip
PROJECTIONS = {
    "q": ("query", "queries"), "k": ("key", "keys"), "v": ("value", "values"),
    "o": ("out", "output", "dense", "fc", "concat", "c_proj", "projection"),
}  # fmt: skip
"""Labels of attention's weight matrices with the words that code has for them."""
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_']|\d+|[^\W\d_]|\S", re.UNICODE)
GRADIENT = re.compile(
    r"^\s*\\[dt]?frac\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*(.*?)\}\s*\{\s*(?:\\partial|d|\\mathrm\{d\})\s*(.*)\}\s*$"
)
STEP = re.compile(r"\(?[tklnij](?:\s*[-+]\s*\d)?(?:,[tklnij](?:\s*[-+]\s*\d)?)*\)?")
"""A label that tells which step, layer or example is meant."""
NABLA = re.compile(r"^\s*\\nabla\s*_\s*(\{.*?\}|\\?\w+)\s*(.*)$")


class Symbol(Struct, frozen=True):
    base: str
    accents: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Sub- and superscripts as plain text."""
    primes: int = 0


@cache
def spellings(latex: str) -> tuple[str, ...]:
    """Names that code may have for a symbol, function or gradient in LaTeX, likeliest first; empty if none is known."""
    if (parts := gradient_parts(latex)) is not None:
        return gradient_names(*parts)
    symbol = read_symbol(latex)
    if symbol is None or not symbol.base:
        return ()
    return tuple(dict.fromkeys(_names(symbol)))


def symbol_names(base: str, accents: tuple[str, ...], labels: tuple[str, ...], primes: int) -> tuple[str, ...]:
    """Names that code may have for a symbol whose scripts are told apart; a step (t, t-1, (l)) may be left out.

    Superscripts and subscripts are `labels`, in the author's order.
    """
    base = base.lstrip("\\")
    if base.startswith("Δ"):
        inner = base[1:].lstrip("\\")
        return (f"delta_{inner}", f"delta{inner}", f"d{inner}", f"Delta_{inner}", "delta", f"d_{inner}")
    telling = tuple(label for label in labels if not STEP.fullmatch(label))
    found = list(_names(Symbol(base, accents, telling, primes)))
    if any(re.fullmatch(r"\(?[tklnij]\s*-\s*1\)?", label) for label in labels):
        found = [f"{n}_prev" for n in found] + [f"prev_{n}" for n in found] + found
    if any(re.fullmatch(r"\(?[tklnij]\s*\+\s*1\)?", label) for label in labels):
        found = [f"{n}_next" for n in found] + [f"next_{n}" for n in found] + found
    if primes:
        found += _names(Symbol(base, accents, telling, 0))
    if telling != labels:
        found += _names(Symbol(base, accents, labels, primes))
    return tuple(dict.fromkeys(found))


def gradient_parts(latex: str) -> tuple[str, str] | None:
    r"""(L, w) of `\frac{\partial L}{\partial w}` or `\nabla_w L`."""
    if match := GRADIENT.match(latex):
        return match[1].strip(), match[2].strip()
    if match := NABLA.match(latex):
        return match[2].strip(), match[1].strip("{} ")
    return None


def gradient_names(of: str, by: str) -> tuple[str, ...]:
    """Names for the gradient of `of` with respect to `by`, both in LaTeX."""
    found: list[str] = []
    for w in spellings(by)[:4]:
        found += [f"{w}.grad", f"d{w}", f"grad_{w}", f"{w}_grad", f"d_{w}"]
        found += [f"d{loss}_d{w}" for loss in (*spellings(of)[:3], "L")]
    return tuple(dict.fromkeys(found))


def read_symbol(latex: str) -> Symbol | None:
    """The parts of a single symbol; None for anything more than a symbol with scripts."""
    tokens = TOKEN.findall(latex)
    base, accents, labels, primes = "", [], [], 0
    at = 0

    def group() -> str:
        """The text of the next group or token, fonts dropped."""
        nonlocal at
        if at >= len(tokens):
            return ""
        if tokens[at] != "{":
            at += 1
            token = tokens[at - 1]
            return group() if token.startswith("\\") and token[1:] in FONTS else token.lstrip("\\")
        depth, text = 1, []
        at += 1
        while at < len(tokens) and depth:
            token = tokens[at]
            depth += (token == "{") - (token == "}")
            if depth and token not in "{}" and not (token.startswith("\\") and token[1:] in FONTS):
                text.append(token.lstrip("\\"))
            at += 1
        return "".join(text)

    while at < len(tokens):
        token = tokens[at]
        name = token[1:] if token.startswith("\\") else ""
        if token in "^_":
            at += 1
            label = group()
            if label in ("prime", "'"):
                primes += 1
            else:
                labels.append(label)
        elif token == "'":
            at, primes = at + 1, primes + 1
        elif name in ACCENTS:
            at += 1
            accents.append(name)
            inner = group()
            base = base or inner
        elif name in FONTS or token == "{":
            text = group()
            if base and text:
                return None
            base = text
        elif token in ("}", "$", "\\,", "\\;", "\\!", "\\ "):
            at += 1
        elif base:
            return None
        else:
            base, at = token.lstrip("\\"), at + 1
    return Symbol(base, tuple(accents), tuple(labels), primes)


def _names(symbol: Symbol) -> Iterable[str]:
    plain = re.sub(r"\W", "", symbol.base)
    bases = (
        WORDS.get(plain.lower(), (plain,)) if len(plain) > 1 and plain not in SYMBOLS else SYMBOLS.get(plain, (plain,))
    )
    if plain not in bases:
        bases = (*bases, plain)
    for accent in symbol.accents:
        ends = ACCENTS[accent]
        bases = tuple(b + e for b in (plain,) for e in ends)
        if accent in ("hat", "widehat") and plain == "y":
            bases = (*bases, "pred", "preds", "prediction", "predictions", "y_predicted", "yp")
    if symbol.primes:
        bases = tuple(b + e for b in bases for e in ("_prime", "_p", "p"))
    stars = {"*": "star", "star": "star", "ast": "star", "+": "plus", "-": "minus"}
    labels = [stars.get(label, label) for label in symbol.labels]
    labels = [clean for label in labels if (clean := re.sub(r"[^\w]", "", label)) and clean not in ("T", "top")]
    if not labels:
        yield from bases
        return
    telling = [label for label in labels if not _index(label)] or labels
    for base in bases:
        for label in dict.fromkeys(("_".join(telling), "_".join(labels), "".join(telling))):
            yield from (f"{base}_{label}", f"{base}{label}")
    kind = next((label.lower() for label in labels if label.lower() in PROJECTIONS), None)
    if kind and plain in ("W", "U", "w"):
        yield from (
            f"{kind}_proj",
            f"proj_{kind}",
            f"to_{kind}",
            f"{kind}_linear",
            f"linear_{kind}",
            f"w_{kind}s",
            f"fc_{kind}",
            kind,
        )
        for word in PROJECTIONS[kind]:
            yield from (
                word,
                f"W_{word}",
                f"{word}_proj",
                f"{word}_projection",
                f"{word}_linear",
                f"linear_{word}",
                f"{word}_layer",
            )
    if all(label in ("i", "j", "ij") for label in labels):
        yield from bases  # a component or member spoken of by the whole's name


def _index(label: str) -> bool:
    return all(letter in "ijkmnlt" for letter in label)


def squash(name: str) -> str:
    """Without underscores and case: MultiHeadAttention and multi_head_attention are one."""
    return name.replace("_", "").casefold()


def match(names: Iterable[str], identifier: str) -> float:
    """How well an identifier fits: 1 as spelled, 0.9 but for underscores and case of words, 0.6 of a letter, 0."""
    best = 0.0
    for name in names:
        if name == identifier:
            return 1.0
        if name.replace("_", "") == identifier.replace("_", ""):
            best = max(best, 0.95)
        elif squash(name) == squash(identifier):
            best = max(best, 0.9 if len(squash(name)) >= 3 else 0.6)
    return best


def rank(names: tuple[str, ...], identifier: str) -> int:
    """The place of the first spelling that fits an identifier."""
    return next((i for i, n in enumerate(names) if squash(n) == squash(identifier)), len(names))
