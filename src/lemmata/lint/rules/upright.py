"""`max`, `log`, `softmax` and other names of several letters set as a product of italic letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lemmata.elaborate import surface as s
from lemmata.lint.finding import Edit, Finding, Notes, Rule

COMMANDS = frozenset(
    "max min log exp sin cos tan sinh cosh tanh arcsin arccos arctan det dim ker lim sup inf arg gcd Pr".split()
)
"""Names that have a command of their own."""
OPERATORS = frozenset(
    "argmax argmin softmax sigmoid diag rank sign sgn relu ReLU GELU erf softplus logsumexp trace".split()
)
WORDS = frozenset("loss model train test true pred head heads logit logits".split())
SKIP = re.compile(
    r"\\(?:text|textrm|textbf|textit|textsf|texttt|mathrm|mathbf|mathsf|mathtt|mathit|mathcal|mathbb|mathfrak|boldsymbol"
    r"|bm|operatorname\*?|label|ref|eqref|tag\*?|begin|end|color|textcolor|hspace|vspace|mbox|hbox|href|cite|rm|bf|sf"
    r"|tt|it|class|style|cssId|mathop|pmb|overset|underset|underbrace|overbrace|hphantom|phantom|vphantom|newcommand"
    r"|renewcommand|def|DeclareMathOperator)\s*(?:\[[^\]]*\]\s*)?(?:\{(?:[^{}]|\{[^{}]*\})*\})?"
    r"|\\[A-Za-z]+|\\."
)
RUN = re.compile(r"[A-Za-z]{3,}")


def check(notes: Notes) -> Iterator[Finding]:
    alone = {n.base for _, n in notes.names if isinstance(n, s.Name) and len(n.base) == 1 and not n.word}
    seen: set[str] = set()
    for formula in notes.formulas:
        masked = SKIP.sub(lambda m: " " * len(m[0]), formula.latex)
        for run in RUN.finditer(masked):
            word = run[0]
            if word in seen:
                continue
            if word in COMMANDS:
                better = f"\\{word}"
            elif word in OPERATORS:
                better = f"\\operatorname{{{word}}}"
            elif word in WORDS and not set(word) <= alone:
                better = f"\\mathrm{{{word}}}"
            else:
                continue
            seen.add(word)
            start, end = run.span()
            gap = " " if masked[end : end + 1].isalpha() else ""
            edit = Edit(formula, start, end, better + gap, f"write {better}")
            message = f"{word} is set as a product of {len(word)} letters"
            yield Finding(RULE.name, message, formula, start, end, edit=edit)


RULE = Rule("upright", "Names of several letters are set upright; italic letters side by side are a product.", check)
