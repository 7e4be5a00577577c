"""One symbol in bold in one place and in plain type in another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lemmata.documents.model import Formula
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem
from lemmata.lint.finding import Edit, Finding, Notes, Rule


def check(notes: Notes) -> Iterator[Finding]:
    environment = notes.elaboration.roles.environment
    sentence = {item.formula.index: item.place.sentence for item in notes.elaboration.items}
    uses: dict[str, list[tuple[Formula, s.Name]]] = {}
    for formula, name in notes.names:
        if name.sub is None and not name.word and len(name.base) == 1 and name.font in ("", "bold"):
            uses.setdefault(stem(name), []).append((formula, name))
    for key in sorted(environment.both_fonts):
        found = uses.get(key, [])
        bound = environment.all(key)
        fonts = Counter(n.font for _, n in found)
        if len({b.font for b in bound}) != 1 or len(fonts) != 2 or bound[0].kind not in ("variable", "definition"):
            continue  # two symbols, each with its own meaning, or nothing known of them
        if bound[0].type is not None and bound[0].type.rank == 0:
            continue
        usual = bound[0].font
        together = {f.index for f, n in found if n.font == usual}
        sentences = {sentence[k] for k in together if sentence.get(k, -1) >= 0}
        rare = [
            (f, n)
            for f, n in found
            if n.font != usual and (f.index in together or sentence.get(f.index, -1) in sentences)
        ]
        if not rare or fonts[usual] <= 2 * len(rare):
            continue
        formula, name = rare[0]
        model = next((f.latex[n.start : n.end] for f, n in found if n.font == usual and n.sup is None), None)
        written = formula.latex[name.start : name.end]
        edit = None
        if model is not None and name.sup is None and written != model:
            edit = Edit(formula, name.start, name.end, model, f"write {model} as elsewhere")
        kinds = ("bold", "plain type") if usual == "bold" else ("plain type", "bold")
        message = f"{key} is in {kinds[1]} here and in {kinds[0]} in {fonts[usual]} other places"
        yield Finding(RULE.name, message, formula, name.start, name.end, edit=edit)


RULE = Rule("bold", "A vector or matrix keeps its typeface throughout a document.", check)
