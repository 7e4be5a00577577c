r"""Python names for the document's: `\hat y` as y_hat, `W^Q` as W_Q, `\text{MultiHead}` as multi_head and MultiHead."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

from lemmata.code.spelling import STEP, read_symbol, spellings

LETTERS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "λ": "lam", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Φ": "Phi", "Σ": "Sigma", "Λ": "Lambda", "∇": "grad_", "∂": "d", "²": "2",
    "'": "_prime",
}  # fmt: skip
KEPT = {"L": "loss", "lambda": "lam", "epsilon": "eps", "varepsilon": "eps"}
"""Letters that programs call otherwise."""
UNREADABLE = {"l": "ell", "O": "O_", "I": "I_"}
"""Names that look like digits."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def identifier(latex: str, fallback: str = "x") -> str:
    """A variable's name."""
    symbol = read_symbol(latex)
    if symbol is not None and len(symbol.base) > 1 and symbol.base.isalpha() and not symbol.accents:
        labels = [x for x in symbol.labels if not STEP.fullmatch(x)]
        name = "_".join([KEPT.get(symbol.base, symbol.base), *labels])
    else:
        known = spellings(latex)
        name = known[0] if known else latex
        if symbol is not None and symbol.base in "yM" and not symbol.labels and not symbol.accents:
            name = symbol.base
    return valid(name, fallback)


def valid(text: str, fallback: str = "x") -> str:
    """The text as an identifier that a linter likes."""
    text = "".join(LETTERS.get(c, c) for c in text)
    text = unicodedata.normalize("NFKD", text)
    text = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_]", "_", text.replace("*", "star"))).strip("_")
    if not text:
        text = fallback
    if text[0].isdigit():
        text = f"{fallback}_{text}"
    if keyword.iskeyword(text) or hasattr(builtins, text):
        text += "_"
    return UNREADABLE.get(text, text)


def size_name(atom: str) -> str:
    """A variable for a size; unlike other letters, L and N are no words."""
    name = atom.strip("?").split(":")[0].split(" ")[0]
    return valid(name, "size") if name.isidentifier() else "size" if not name else identifier(name, "size")


def function_name(latex: str, fallback: str = "f") -> str:
    """A function's: words in lower case with underscores, single letters as they are."""
    name = identifier(latex, fallback)
    if len(name.split("_")[0]) == 1:
        return name
    words = [w.lower() for part in name.split("_") if part for w in WORD.findall(part) or [part]]
    return valid("_".join(words), fallback)


def class_name(latex: str, fallback: str = "Module") -> str:
    """A class's: words with capitals."""
    name = identifier(latex, fallback)
    words = [w for part in name.split("_") if part for w in WORD.findall(part) or [part]]
    return valid("".join(w[0].upper() + w[1:] for w in words), fallback)


class Names:
    """Names that are taken, and new ones beside them."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def new(self, wanted: str) -> str:
        """The name, numbered where it is taken."""
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}" if wanted[-1].isdigit() else f"{wanted}{number}"
        self.taken.add(name)
        return name
