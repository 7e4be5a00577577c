"""Whether the reader sees the structure KaTeX sees: scripts, fractions, roots, fences, accents, rows and cells.

    python benchmarks/structure.py --formulas FILE.jsonl --katex DIR [--sample 1000] [--seed 0]

DIR is where `npm install katex@0.19.1` was run; node must be on the path. Both trees are reduced to a skeleton (spaces,
fonts, colours and sizes left out; symbols by name where they are letters or digits), and the skeletons are compared.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from lemmata.latex import gaps, parse
from lemmata.latex import tree as t
from lemmata.latex.symbols import CHARACTERS

NODE_PROGRAM = """
const katex = require('katex');
console.log = console.error = () => {};
const rows = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const plain = (key, value) => key === 'loc' || key === 'lexer' || key === 'token' ? undefined : value;
process.stdout.write(JSON.stringify(rows.map(latex => {
  try { return JSON.stringify(katex.__parse(latex, {displayMode: true, strict: false, trust: true}), plain); }
  catch (problem) { return null; }
})));
"""
DROPPED = {"spacing", "kern", "rule", "phantom", "vphantom", "hphantom", "internal", "cr", "infix", "includegraphics"}
SPLICED = {"font", "color", "styling", "sizing", "pmb", "html", "href", "lap", "vcenter", "reflectbox", "tag"}
FENCED_ENVIRONMENTS = "pmatrix bmatrix Bmatrix vmatrix Vmatrix cases dcases rcases drcases".split()
LEAF = "\N{BULLET}"


def leaf(text: str) -> str:
    text = CHARACTERS.get(text, text)
    return text if len(text) == 1 and text.isalnum() else LEAF


def katex_list(node: Any) -> list[Any]:
    """The skeleton of a KaTeX argument or body as a list of items."""
    if node is None:
        return []
    if isinstance(node, list):
        return [item for part in node for item in katex_items(part)]
    return katex_list(node["body"]) if node["type"] == "ordgroup" else katex_items(node)


def katex_items(node: dict[str, Any]) -> list[Any]:
    """The skeleton of one KaTeX node: no item, one, or several where the node only decorates."""
    kind = node["type"]
    if kind in DROPPED:
        return []
    if kind in SPLICED:
        return katex_list(node["body"])
    if kind in ("smash", "enclose"):
        return [["styled", katex_list(node["body"])]]
    if kind == "raisebox":
        return [["styled", ["text"]]]
    if kind == "mclass":
        body = node["body"]
        if len(body) == 1 and body[0]["type"] == "supsub" and (body[0].get("base") or {}).get("body"):
            pair = body[0]
            return [
                ["stack", katex_list(pair["base"]["body"]), katex_list(pair.get("sup")), katex_list(pair.get("sub"))]
            ]
        words = node["mclass"] == "mbin" and len(body) == 1 and body[0]["type"] == "font"
        return [LEAF] if words and not body[0]["body"].get("text") else katex_list(body)
    if kind == "supsub":
        return [["script", katex_list(node.get("base")), katex_list(node.get("sub")), katex_list(node.get("sup"))]]
    if kind == "genfrac":
        fraction = ["frac", katex_list(node["numer"]), katex_list(node["denom"])]
        return [fraction]
    if kind == "sqrt":
        return [["root", katex_list(node["body"]), katex_list(node.get("index"))]]
    if kind == "leftright":
        return [["fence", katex_list(node["body"])]]
    if kind in ("accent", "accentUnder"):
        return [["accent", katex_list(node["base"])]]
    if kind in ("overline", "underline"):
        return [["accent", katex_list(node["body"])]]
    if kind == "horizBrace":
        return [["brace", katex_list(node["base"])]]
    if kind == "xArrow":
        return [["arrow", katex_list(node.get("below")), katex_list(node.get("body"))]]
    if kind == "array":
        return [["rows", [[katex_cell(cell) for cell in row] for row in node["body"]]]]
    if kind == "ordgroup":
        inside = node["body"]
        if [part["type"] for part in inside] == ["textord", "rule"]:
            return [LEAF]
        return [["group", katex_list(inside)]]
    if kind == "text":
        return [["text"]]
    if kind in ("operatorname", "htmlmathml", "verb", "delimsizing", "middle"):
        return [LEAF]
    if kind == "op":
        if node.get("symbol") or node.get("name"):
            return [LEAF]
        body = katex_list(node["body"])
        spelled = len(body) > 1 or (len(body) == 1 and body[0] in (LEAF, ["text"]))
        return [LEAF] if spelled and all(isinstance(i, str) or i == ["text"] for i in body) else [["styled", body]]
    if kind == "mathchoice":
        return katex_list(node["display"])
    return [leaf(node.get("text", ""))]


def katex_cell(cell: dict[str, Any]) -> list[Any]:
    """A cell is a styled group; those of aligned environments begin with an empty group for spacing."""
    inside = cell["body"] if cell["type"] == "styling" else [cell]
    if len(inside) != 1:
        return katex_list(inside)
    group = inside[0]
    items = group["body"] if group["type"] == "ordgroup" else [group]
    return katex_list(items[1:] if items and items[0].get("body") == [] and items[0].get("loc") is None else items)


def our_list(node: t.Node | None) -> list[Any]:
    if node is None:
        return []
    if isinstance(node, t.Row):
        return [item for part in node.items for item in our_items(part)]
    return our_items(node)


def our_items(node: t.Node) -> list[Any]:
    """The skeleton of one of our nodes, in the same terms."""
    match node:
        case t.Phantom():
            return []
        case t.Number(text=text):
            return [leaf(char) for char in text]
        case t.Symbol(name="\\ldots", start=start, end=end) if end - start == 3:
            return [LEAF] * 3
        case t.Symbol(name=name, kind=kind):
            return [leaf(name) if kind != "op" else LEAF]
        case t.Row(braced=braced):
            return [["group", our_list(node)]] if braced else our_list(node)
        case t.Script(base=t.Number(text=text), sub=sub, sup=sup, primes=primes):
            script = ["script", [leaf(text[-1])], our_list(sub), [LEAF] * primes + our_list(sup)]
            return [*map(leaf, text[:-1]), script]
        case t.Script(base=base, sub=sub, sup=sup, primes=primes):
            return [["script", our_list(base), our_list(sub), [LEAF] * primes + our_list(sup)]]
        case t.Fraction(numerator=top, denominator=bottom):
            return [["frac", our_list(top), our_list(bottom)]]
        case t.Root(body=body, degree=degree):
            return [["root", our_list(body), our_list(degree)]]
        case t.Fenced(body=body):
            return [["fence", our_list(body)]]
        case t.Accent(body=body):
            return [["accent", our_list(body)]]
        case t.Font(body=body):
            return our_list(body)
        case t.TextRun():
            return [["text"]]
        case t.Environment(name=name, rows=rows):
            cells = ["rows", [[our_list(cell) for cell in row] for row in rows]]
            return [["fence", [cells]]] if name.rstrip("*") in FENCED_ENVIRONMENTS else [cells]
        case t.Stack(command=command, base=base, above=above, below=below):
            if "brace" in command or "bracket" in command:
                brace = ["brace", our_list(base)]
                return [brace if above is below else ["script", [brace], our_list(below), our_list(above)]]
            if command.startswith("\\x"):
                return [["arrow", our_list(below), our_list(above)]]
            return [["stack", our_list(base), our_list(above), our_list(below)]]
        case t.Styled(command=command, body=body):
            if command == "\\color":
                return [["group", our_list(body)]]
            if command.startswith("\\operatorname"):
                return [LEAF]
            spliced = ("\\textcolor", "\\href", "\\mathchoice", "\\ensuremath")
            return (
                our_list(body) if command in spliced or command.startswith("\\math") else [["styled", our_list(body)]]
            )
    return [LEAF]


def without(tag: str, skeleton: Any) -> Any:
    """The skeleton with everything of that tag replaced by what is inside it."""
    if not isinstance(skeleton, list):
        return skeleton
    items: list[Any] = []
    for part in skeleton:
        simple = without(tag, part)
        if isinstance(simple, list) and simple[:1] == [tag]:
            inside = simple[1] if tag != "rows" else [item for row in simple[1] for cell in row for item in cell]
            items += inside
        elif tag == LEAF == simple:
            continue
        else:
            items.append(simple)
    return items


def bare_primes(skeleton: Any) -> Any:
    """The skeleton with a superscript that is only a prime on nothing replaced by the prime."""
    if not isinstance(skeleton, list):
        return skeleton
    items = [bare_primes(part) for part in skeleton]
    if items[:1] == ["script"] and items[3][:1] and items[3][0][:3] == ["script", [], []]:
        items[3] = items[3][0][3] + items[3][1:]
    return items


def plain_primes(skeleton: Any) -> Any:
    """The skeleton with x′ as two symbols, and é as e with an accent."""
    if isinstance(skeleton, str):
        base = unicodedata.normalize("NFD", skeleton)
        return ["accent", [base[0]]] if len(base) > 1 else skeleton
    items: list[Any] = []
    for part in map(plain_primes, skeleton):
        alone = isinstance(part, list) and part[:1] == ["script"] and part[2:] == [[], [LEAF]]
        items += [*part[1], LEAF] if alone else [part]
    return items


CONVENTIONS: list[tuple[str, Any]] = [
    ("a prime written as x^{'} is a prime here, an empty base with a prime in KaTeX", bare_primes),
    ("`\\\\` outside rows of an environment makes rows here, a line break in KaTeX", lambda s: without("rows", s)),
    ("`\\mathop` around letters is one operator here", lambda s: without("styled", s)),
    (
        "braces around a numerator, a brace's body or a colon are kept as a group by one of the two",
        lambda s: without("group", s),
    ),
    ("′ and ’ are primes and é is one letter here; two symbols and an accent in KaTeX", plain_primes),
    ("`\\not` and its symbol are one relation here, two in KaTeX", lambda s: without(LEAF, s)),
]


def convention(ours: Any, theirs: Any) -> str | None:
    """Which difference of convention makes the skeletons differ; None where none of them does."""
    for reason, simplify in CONVENTIONS:
        ours, theirs = simplify(ours), simplify(theirs)
        if ours == theirs:
            return reason
    return None


def katex_trees(latex: list[str], directory: Path) -> list[list[Any] | None]:
    """KaTeX's parse trees; None where it refuses."""
    done = subprocess.run(
        ["node", "--stack-size=4000", "-e", NODE_PROGRAM],
        input=json.dumps(latex),
        capture_output=True,
        text=True,
        check=True,
        cwd=directory,
    )
    return [None if tree is None else json.loads(tree) for tree in json.loads(done.stdout)]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--formulas", type=Path, required=True, help="JSON lines with a field `latex`")
    options.add_argument("--katex", type=Path, required=True, help="where npm installed katex")
    options.add_argument("--sample", type=int, default=1000, help="0 for all")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--show", type=int, default=20, help="how many differences are printed")
    options.add_argument("--refused", action="store_true", help="print what KaTeX refuses and the reader reads")
    given = options.parse_args()
    formulas = [json.loads(line)["latex"] for line in given.formulas.read_text(encoding="utf-8").splitlines()]
    trees = katex_trees(formulas, given.katex)
    accepted = [(latex, tree) for latex, tree in zip(formulas, trees, strict=True) if tree is not None]
    unread = [latex for latex, _ in accepted if gaps(parse(latex))]
    for latex in unread[: given.show]:
        print("gap:", gaps(parse(latex))[0].reason, "|", latex[:200].replace("\n", " "))
    refused = [latex for latex, tree in zip(formulas, trees, strict=True) if tree is None]
    if given.refused:
        for latex in refused:
            if not gaps(parse(latex)):
                print("read though KaTeX refuses:", latex[:200].replace("\n", " "))
    also_gap = sum(bool(gaps(parse(latex))) for latex in refused)
    sample = (
        accepted if not given.sample else random.Random(given.seed).sample(accepted, min(given.sample, len(accepted)))
    )
    explained: Counter[str] = Counter()
    unexplained = 0
    for latex, tree in sample:
        ours, theirs = our_list(parse(latex)), katex_list(tree)
        if ours == theirs:
            continue
        reason = convention(ours, theirs)
        if reason is not None:
            explained[reason] += 1
            continue
        unexplained += 1
        if unexplained <= given.show:
            print("different:", latex[:300].replace("\n", " "), "\n   ours ", ours, "\n   KaTeX", theirs)
    for reason, count in explained.most_common():
        print(f"{count:5} differ by convention: {reason}")
    print(
        json.dumps(
            {
                "formulas": len(formulas),
                "katex_accepts": len(accepted),
                "read_of_accepted": round(1 - len(unread) / max(1, len(accepted)), 5),
                "katex_refuses": len(refused),
                "gap_of_refused": also_gap,
                "sample": len(sample),
                "same_structure": len(sample) - explained.total() - unexplained,
                "differ_by_convention": explained.total(),
                "differ": unexplained,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
