"""Commands that stand for others: shorthands of texvc, braket, physics and colour users, as data."""

from __future__ import annotations

_NAMES = r"""
    \darr \downarrow  \dArr \Downarrow  \Darr \Downarrow  \lang \langle  \rang \rangle  \uarr \uparrow
    \uArr \Uparrow  \Uarr \Uparrow  \alef \aleph  \alefsym \aleph  \bull \bullet  \clubs \clubsuit  \Dagger \ddagger
    \diamonds \diamondsuit  \empty \emptyset  \exist \exists  \harr \leftrightarrow  \hArr \Leftrightarrow
    \Harr \Leftrightarrow  \hearts \heartsuit  \image \Im  \infin \infty  \isin \in  \larr \leftarrow
    \lArr \Leftarrow  \Larr \Leftarrow  \lrarr \leftrightarrow  \lrArr \Leftrightarrow  \Lrarr \Leftrightarrow
    \plusmn \pm  \rarr \rightarrow  \rArr \Rightarrow  \Rarr \Rightarrow  \real \Re  \sdot \cdot  \sect \S
    \spades \spadesuit  \sub \subset  \sube \subseteq  \supe \supseteq  \thetasym \vartheta  \weierp \wp
"""

_LETTERS = r"""
    \N \mathbb{N}  \natnums \mathbb{N}  \R \mathbb{R}  \reals \mathbb{R}  \Reals \mathbb{R}  \Z \mathbb{Z}
    \cnums \mathbb{C}  \Complex \mathbb{C}  \Bbbk \mathbb{k}  \Alpha \mathrm{A}  \Beta \mathrm{B}
    \Epsilon \mathrm{E}  \Zeta \mathrm{Z}  \Eta \mathrm{H}  \Iota \mathrm{I}  \Kappa \mathrm{K}  \Mu \mathrm{M}
    \Nu \mathrm{N}  \Omicron \mathrm{O}  \Rho \mathrm{P}  \Tau \mathrm{T}  \Chi \mathrm{X}
"""

_HUES = "blue teal green gold red maroon purple mint gray".split()
_PLAIN_HUES = "orange pink aqua black white yellow cyan".split()


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SHORTHANDS: dict[str, str] = {
    **_pairs(_NAMES),
    **_pairs(_LETTERS),
    "\\bgroup": "{",
    "\\egroup": "}",
    "\\begingroup": "{",
    "\\endgroup": "}",
    "\\lq": "`",
    "\\rq": "'",
    "\\bra": "\\left\\langle #1\\right|",
    "\\ket": "\\left|#1\\right\\rangle",
    "\\braket": "\\left\\langle #1\\right\\rangle",
    "\\Bra": "\\left\\langle #1\\right|",
    "\\Ket": "\\left|#1\\right\\rangle",
    "\\Braket": "\\left\\langle #1\\right\\rangle",
    "\\Set": "\\left\\{#1\\right\\}",
    "\\set": "\\{#1\\}",
    "\\abs": "\\left|#1\\right|",
    "\\norm": "\\left\\|#1\\right\\|",
    "\\angln": "\\angl{n}",
    "\\aa": "å",
    "\\AA": "Å",
    "\\ordinarycolon": ":",
    "\\TeX": "\\text{TeX}",
    "\\LaTeX": "\\text{LaTeX}",
    "\\KaTeX": "\\text{KaTeX}",
    **{f"\\{hue}{shade}": f"\\textcolor{{{hue}}}{{#1}}" for hue in _HUES for shade in ("", *"ABCDE")},
    **{f"\\{hue}": f"\\textcolor{{{hue}}}{{#1}}" for hue in _PLAIN_HUES},
}
"""Body by command, with #1 where the argument goes."""
