"""Generated hostile and half-valid documents through every stage: nothing may crash, hang or be lost.

    python benchmarks/fuzz.py [--count 200000] [--seed 0] [--jobs N] [--from DIR]

Formulas and documents of the repository (and of DIR) are cut, spliced, repeated and wrapped in the four formats, read,
elaborated and judged without their code, compared with themselves, searched for notation, for corrections of the first
refutation and shown in every form. Counted as failures: an exception in any stage, an input that takes more than 10 s
of processor time, a formula whose letters and digits the notation tree lost, a printed tree that reads as another one,
and a formula that is neither a statement nor told of. Each failure is printed with the number that makes the same input
again (`--only N`). The last line is one JSON object; exit status 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from io import StringIO
from pathlib import Path
from types import FrameType

from msgspec import Struct

from lemmata.consistency import RULES
from lemmata.consistency.merge import merged
from lemmata.consistency.survey import survey
from lemmata.documents import find, read, read_text
from lemmata.elaborate.document import elaborate
from lemmata.latex import children, gaps, parse, print_latex, walk
from lemmata.latex.tree import Node
from lemmata.lint import lint
from lemmata.lower.judge import judge_statement, under_conditions
from lemmata.repair import repair
from lemmata.report import github, jsonl, junit, layout, sarif
from lemmata.report.collect import Examination, collect
from lemmata.report.replay import replay
from lemmata.report.result import DocumentResult
from lemmata.report.terminal import Plain

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 10
CHUNK = 500
PIECES = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]+|\d+|\s+|.", re.DOTALL)
ODD = (
    [*"{}[]()|&^_$%#~'\"\\/<>=+-*:;,.!?`@", "\\\\", "$$", "\n\n", "\n", " ", "\t", "\0", "\ud800", "\u202e", "é", "温"]
    + [
        "\\left(",
        "\\right)",
        "\\right.",
        "\\middle|",
        "\\begin{aligned}",
        "\\end{aligned}",
        "\\begin{cases}",
        "&=",
        "^T",
    ]
    + ["\\begin{bmatrix}", "\\end{bmatrix}", "\\frac", "\\sqrt[", "\\sum_{i=1}^n", "\\mathbb{R}^{n\\times d}", "\\in"]
    + [
        "\\partial",
        "\\nabla_w",
        "^{-1}",
        "_{ij}",
        "\\text{if}",
        "\\mathrm",
        "\\over",
        "\\limits",
        "\\not",
        "\\operatorname",
    ]
    + [
        "\\def\\x#1{#1#1}",
        "\\newcommand{\\y}{z}",
        "\\mathbb{E}_{x\\sim p}",
        "\\cdots",
        "\\to",
        "\\int_0^1",
        "dx",
        "10^{99}",
    ]
    + [
        "\\lim_{n\\to\\infty}",
        "\\max_i",
        "!",
        "\\det",
        "\\operatorname{tr}",
        "\\otimes",
        "\\odot",
        "\\|",
        "0/0",
        "∑",
        "²",
    ]
)
PROSE = (
    "Let ",
    "where ",
    "if ",
    "for all ",
    "we have ",
    "Assume ",
    "设",
    "其中",
    "若",
    "# ",
    "- ",
    "> ",
    "1. ",
    "```\n",
)
DECLARATIONS = r"Let $X \in \mathbb{R}^{n \times d}$, $w, v \in \mathbb{R}^d$, $A \in \mathbb{R}^{d \times d}$, $y \in \mathbb{R}^n$."  # noqa: E501
SKIPPED = re.compile(
    r"\\(?:begin|end|[hvm]?s(?:kip|pace)|kern|color|textcolor|colorbox|label|tag|ref|eqref|def|edef|gdef|let|(?:re)?new\w*|"
    r"provide\w*|math(?:rel|bin|op)|DeclareMathOperator|phantom|verb|over|rule|href|url|class|id|style|hline|cline|raise|"
    r"lower|htmlId|cssId|require|unicode|char|global|long|big\w*|Big\w*|left|right|middle|\W)|[#%\0]"
)
"""Commands with arguments that are no part of the mathematics."""


class Hang(BaseException):
    """Not an Exception, so that no stage takes it for its own."""


@cache
def seeds(folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(formulas, texts) of the repository's own documents and of those below `folder`."""
    places = [ROOT / "examples", ROOT / "tests" / "semantics", ROOT / "README.md", *([Path(folder)] if folder else [])]
    names = [name for name in find(places) if os.path.getsize(name) < 200_000]
    formulas = {f.latex for name in names for f in read(name).formulas if len(f.latex) < 400}
    texts = [Path(name).read_text(encoding="utf-8", errors="replace") for name in names]
    return tuple(sorted(formulas)), tuple(texts)


def formula(rng: random.Random, known: tuple[str, ...]) -> str:
    """One or two known formulas, cut to pieces and put together with mistakes."""
    parts = PIECES.findall(rng.choice(known))
    if rng.random() < 0.4:
        other = PIECES.findall(rng.choice(known))
        at, cut = rng.randrange(len(parts) + 1), rng.randrange(len(other) + 1)
        parts = parts[:at] + other[cut:] if rng.random() < 0.5 else parts[:at] + other[:cut] + parts[at:]
    for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(parts) + 1)
        match rng.randrange(6):
            case 0 if parts:
                del parts[at : at + rng.choice((1, 1, 2, 5))]
            case 1 if parts:
                parts[at:at] = parts[max(0, at - 3) : at] * rng.choice((1, 2, 8))
            case 2 if parts:
                other_ = rng.randrange(len(parts))
                at = min(at, len(parts) - 1)
                parts[at], parts[other_] = parts[other_], parts[at]
            case 3:
                parts[at:at] = ["{", *parts[at : at + 3], "}"]
            case _:
                parts.insert(at, rng.choice(ODD))
    return "".join(parts)


def text(rng: random.Random, known: tuple[str, ...]) -> str:
    """A few paragraphs of the repository's documents, with damage."""
    lines = rng.choice(known).split("\n")
    at = rng.randrange(len(lines))
    lines = lines[at : at + rng.choice((3, 10, 25))]
    for _ in range(rng.randrange(5)):
        k = rng.randrange(len(lines) + 1)
        match rng.randrange(5):
            case 0:
                del lines[k : k + 2]
            case 1:
                lines.insert(k, rng.choice(PROSE) + rng.choice(ODD) * rng.choice((1, 3, 50)))
            case 2:
                rng.shuffle(lines)
            case 3 if lines:
                k = min(k, len(lines) - 1)
                cut = rng.randrange(len(lines[k]) + 1)
                lines[k] = lines[k][:cut] + rng.choice(ODD) + lines[k][cut + rng.randrange(3) :]
            case 4 if lines:
                k = min(k, len(lines) - 1)
                lines[k] = " " * rng.randrange(9) + lines[k]
    return "\n".join(lines)


def hostile(rng: random.Random) -> str:
    """Something repeated very often."""
    return "".join(rng.choice(ODD) * rng.choice((1, 10, 300, 3000)) for _ in range(rng.randrange(1, 4)))


def document(number: int, seed: int, folder: str) -> tuple[str, str]:
    """(format, source) of an input."""
    rng = random.Random(f"{seed}:{number}")
    formulas, texts = seeds(folder)
    draw = rng.random()
    if draw < 0.70:
        opening, closing = rng.choice((("$", "$"), ("$$\n", "\n$$"), ("\\(", "\\)"), ("```math\n", "\n```")))
        body = (
            f"{rng.choice(PROSE)}{opening}{formula(rng, formulas)}{closing}{rng.choice(('.', '', ', then', '成立'))}\n"
        )
        source = f"{DECLARATIONS}\n\n{body}" if rng.random() < 0.6 else body
    elif draw < 0.95:
        source = text(rng, texts)
    else:
        opening = rng.choice(("", "$", "$$"))
        source = f"{opening}{hostile(rng)}{opening}"
    match rng.randrange(12):
        case 0:
            return "restructuredtext", source.replace("$", ":math:`", 1).replace("$$", ".. math::\n   ")
        case 1:
            return "python", "".join(f"# {line}\n" for line in source.split("\n")) + "x = 1\n"
        case 2:
            return "python", f'def f():\n    r"""{source}"""\n'
        case 3:
            notebook = json.dumps(
                {"cells": [{"cell_type": "markdown", "source": source, "metadata": {}}], "nbformat": 4}
            )
            cut = rng.randrange(len(notebook)) if rng.random() < 0.2 else len(notebook)
            return "notebook", notebook[:cut]
    return "markdown", source


def bare(tree: object) -> object:
    """The tree without positions."""
    if isinstance(tree, tuple):
        return tuple(map(bare, tree))
    if isinstance(tree, Struct):
        kept = (name for name in tree.__struct_fields__ if name not in ("start", "end"))
        return (type(tree).__name__, *(bare(getattr(tree, name)) for name in kept))
    return tree


def lost(latex: str, tree: Node) -> str:
    """Letters and digits of the formula that no leaf of the tree holds."""
    if SKIPPED.search(latex) or any(True for _ in gaps(tree)):
        return ""
    covered: set[int] = set()
    for node in walk(tree):
        if not any(True for _ in children(node)):
            covered.update(range(node.start, node.end))
    spoken = {k for m in re.finditer(r"\\[A-Za-z]+", latex) for k in range(*m.span())}
    return "".join(c for k, c in enumerate(latex) if c.isalnum() and k not in covered and k not in spoken)


def problems(format_: str, source: str) -> Iterator[str]:
    """What goes wrong with an input, and how far it came."""
    found = read_text(source, "input", format_)
    for each in found.formulas:
        tree = parse(each.latex)
        gone = lost(each.latex, tree)
        if gone:
            yield f"lost {gone[:20]!r} of {each.latex[:80]!r}"
        if not gone and not any(True for _ in gaps(tree)) and len(each.latex) < 2000:
            again = parse(print_latex(tree))
            if bare(again) != bare(tree):
                yield f"printed differently {each.latex[:80]!r}"
    elaboration = elaborate(found)
    for statement in elaboration.statements:
        if statement.reason.startswith("a mistake in lemmata"):
            yield statement.reason
    judged = under_conditions([(statement, judge_statement(statement, 0)) for statement in elaboration.statements])
    seen = survey(elaboration)
    judged = merged(judged, [contradiction for rule in RULES for contradiction in rule(seen)])
    refuted = [statement for statement, verdict in judged if verdict.kind == "refuted"]
    fixes = {id(statement): repair(elaboration, statement, 0) for statement in refuted[:1]}
    report(Examination(found, judged, fixes=fixes, lint=lint(elaboration)))


def report(found: Examination) -> None:
    """Every form that a result is shown in."""
    result = collect(found)
    DocumentResult.from_json(json.loads(json.dumps(result.to_json())))
    for statement, verdict in found.judged:
        if verdict.kind == "refuted":
            replay(statement, verdict)
    Plain(StringIO()).write(layout.document(result, 100, 2))
    jsonl.write(result, StringIO())
    for form in (sarif, junit, github):
        form.write([result], StringIO(), True)


def run(number: int, seed: int, folder: str) -> tuple[list[str], float]:
    def late(signum: int, frame: FrameType | None) -> None:
        raise Hang

    format_, source = document(number, seed, folder)
    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    started = time.process_time()
    try:
        found = list(problems(format_, source))
    except Hang:
        found = [f"takes more than {SECONDS} s"]
    except RecursionError:
        found = ["RecursionError"]
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"[:200]]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return found, time.process_time() - started


def chunk(job: tuple[int, int, int, str]) -> tuple[int, list[tuple[int, str]], float, float]:
    first, count, seed, folder = job
    failures: list[tuple[int, str]] = []
    total = slowest = 0.0
    for number in range(first, first + count):
        found, seconds = run(number, seed, folder)
        if seconds > 2:
            print(f"\n{number}: {seconds:.1f} s", file=sys.stderr)
        failures += [(number, message) for message in found]
        total += seconds
        slowest = max(slowest, seconds)
    return count, failures, total, slowest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--from", dest="folder", default="")
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    if options.only is not None:
        format_, source = document(options.only, options.seed, options.folder)
        print(f"--- {format_}\n{source}\n---")
        print("\n".join(run(options.only, options.seed, options.folder)[0]) or "nothing wrong")
        return 0
    jobs = [(at, min(CHUNK, options.count - at), options.seed, options.folder) for at in range(0, options.count, CHUNK)]
    done, failures, total, slowest = 0, [], 0.0, 0.0
    with ProcessPoolExecutor(options.jobs) as pool:
        for count, found, seconds, worst in pool.map(chunk, jobs):
            done, total, slowest = done + count, total + seconds, max(slowest, worst)
            failures += found
            print(f"\r{done} of {options.count} inputs, {len(failures)} failures", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for number, message in failures[:40]:
        print(f"{number:>8}  {message}")
    kinds = Counter(re.split(r"[ :]", message)[0] for _, message in failures)
    figures = {"inputs": done, "failures": len(failures), "kinds": dict(kinds), "slowest_s": round(slowest, 2)}
    print(json.dumps({**figures, "seconds": round(total, 1)}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
