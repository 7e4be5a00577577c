"""`make demo`: documents are checked with their code, a planted error is refuted, an encoder is trained from its page.

    python examples/demo.py [--seconds 60]

Exit status 0 if all of that went as it should.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENTS = (
    "linear-regression.md",
    "attention.md",
    "scoring.md",
    "attention-scoring.zh.md",
    "efficient-attention.md",
    "transformer-encoder.md",
)


def step(title: str) -> None:
    print(f"\n\033[1m── {title} \033[0m" if sys.stdout.isatty() else f"\n-- {title}", flush=True)


def lemmata(*arguments: str) -> int:
    """Exit status of the command line, run in this folder."""
    print(f"$ lemmata {' '.join(arguments)}\n", flush=True)
    return subprocess.run([sys.executable, "-m", "lemmata", *arguments], cwd=HERE.parent).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="time for training")
    args = parser.parse_args()

    step("six documents, their equations and their code")
    sound = lemmata("check", *(f"examples/{name}" for name in DOCUMENTS))

    step("a document with an error in it")
    planted = lemmata("check", "examples/planted-error.md")

    step("the encoder of examples/transformer-encoder.md, trained from its equations")
    training = [sys.executable, str(HERE / "train_encoder.py"), "--seconds", str(args.seconds)]
    trained = subprocess.run(training).returncode

    expected = {
        "nothing in the six documents is refuted": sound == 0,
        "the planted error is refuted": planted == 1,
        "the loss of the encoder falls": trained == 0,
    }
    print()
    for what, fine in expected.items():
        print(f"{'✓' if fine else '✗'} {what}")
    return 0 if all(expected.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
