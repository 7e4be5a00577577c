"""How the document writes its symbols, transposes and operators."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem, walk

TRANSPOSE = re.compile(
    r"\^\s*(?:\{\s*)?(\\top|\\intercal|\\mathsf\s*\{T\}|\\mathsf\s+T|\\mathrm\s*\{T\}|T)(?![A-Za-z])"
)
IDENTITY = re.compile(r"(\\mathbf\s*\{?I\}?|\\mathbb\s*\{?I\}?|\\boldsymbol\s*\{?I\}?|(?<![A-Za-z\\])I)(?![A-Za-z(])")
ONES = re.compile(r"(\\mathbf\s*\{?1\}?|\\boldsymbol\s*\{?1\}?|\\mathbb\s*\{?1\}?)(?!\s*\[)")


class Notation(Struct):
    """Spellings taken from the document, with conventional ones where it has none."""

    symbols: dict[str, str] = field(default_factory=dict)
    transpose: str = "\\top"
    identity: str = "I"
    ones: str = "\\mathbf{1}"
    diag: str = "\\operatorname{diag}"
    trace: str = "\\operatorname{tr}"
    indicator: str = "\\mathbb{1}"
    sized: bool = False
    """Whether identities carry their size, as in I_n."""

    fonts: dict[str, str] = field(default_factory=dict)
    """The font in which each symbol was introduced, by key."""
    in_font: dict[tuple[str, str], str] = field(default_factory=dict)

    rows: dict[str, str] = field(default_factory=dict)
    """What the document calls the rows of a matrix, without their index, by key of the matrix."""

    def symbol(self, latex: str, key: str = "") -> str:
        """A symbol as the document writes it, in the font of its introduction."""
        font = self.fonts.get(key.partition("[")[0])
        if font is not None and (latex, font) in self.in_font:
            return self.in_font[latex, font]
        return self.symbols.get(latex, latex)


def notation_of(elaboration: Elaboration) -> Notation:
    """The spellings of a document, the most frequent one of each."""
    found: dict[str, Counter[str]] = {}
    styled: dict[tuple[str, str], Counter[str]] = {}
    for item in elaboration.items:
        source = item.formula.latex
        for node in walk(item.part.expr):
            if not isinstance(node, s.Name) or node.primes:
                continue
            text = source[node.start : node.end]
            if node.sup is not None:
                text = text[: node.sup.start - node.start].rstrip("{ ").removesuffix("^").rstrip()
                if node.sub is not None and node.sub.start > node.sup.start:
                    continue
            key = stem(node) + (f"_{spell(node.sub)}" if node.sub is not None else "")
            if text.count("{") == text.count("}"):
                found.setdefault(key, Counter())[text] += 1
                styled.setdefault((key, node.font), Counter())[text] += 1
            if node.sub is not None:
                head = text.split("_")[0].strip()
                if head.count("{") == head.count("}"):
                    found.setdefault(stem(node), Counter())[head] += 0
    everything = " ".join(f.latex for f in elaboration.document.formulas)
    symbols = {key: counts.most_common(1)[0][0] for key, counts in found.items()}
    transposes = Counter(TRANSPOSE.findall(everything))
    identities = Counter(IDENTITY.findall(everything))
    ones = Counter(ONES.findall(everything))
    diag = re.search(r"\\(?:operatorname|mathrm|text)\{[dD]iag\}", everything)
    trace = re.search(r"\\(?:operatorname|mathrm|text)\{[tT]r(?:ace)?\}", everything)
    environment = elaboration.roles.environment
    bindings = [b for key in environment.keys() for b in environment.all(key)]
    fonts = {f"{b.key}#{b.uid}": b.font for b in bindings}
    return Notation(
        symbols,
        transposes.most_common(1)[0][0] if transposes else "\\top",
        identities.most_common(1)[0][0] if identities else "I",
        ones.most_common(1)[0][0] if ones else "\\mathbf{1}",
        diag[0] if diag else "\\operatorname{diag}",
        trace[0] if trace else "\\operatorname{tr}",
        fonts=fonts,
        in_font={key: counts.most_common(1)[0][0] for key, counts in styled.items()},
        rows=dict(_rows(elaboration, bindings)),
        sized=bool(re.search(r"(?<![A-Za-z\\])I\}?_\{?[a-z](?![a-zA-Z])", everything)),
    )


def _rows(elaboration: Elaboration, bindings: Sequence[Binding]) -> Iterator[tuple[str, str]]:
    """(key of a matrix, name of its rows) for every x_i that is row i of X."""
    for binding in bindings:
        match binding.body, binding.indices:
            case s.Name(sub=s.Name() as row, sup=None) as whole, (s.Name() as letter,) if stem(row) == stem(letter):
                matrix = elaboration.roles.environment.find(stem(whole), whole.font, binding.place)
                if matrix is not None and not matrix.indices:
                    yield f"{matrix.key}#{matrix.uid}", binding.key
