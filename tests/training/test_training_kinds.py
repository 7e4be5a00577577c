"""Documents that tell classes or continue text, and what TensorBoard is told."""

from __future__ import annotations

import io

import pytest

import lemmata

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSIFIER = r"""---
lemmata:
  train:
    scores: P
    symbols: {source: x, labels: y}
    sizes: {d: 8}
    vocabulary: c
    classes: q
    steps: 60
    batch: 16
    rate: 0.05
    held_out: 0.2
    tokens: words
---

# A bag of words

A text $x \in \{1, \dots, c\}^m$ has words with rows in $E \in \mathbb{R}^{c \times d}$; there are $q$ classes, and
$W \in \mathbb{R}^{d \times q}$, $b \in \mathbb{R}^q$. With

$$
z = \frac{1}{m} \sum_{i=1}^m E_{x_i}
$$

the classes have the probabilities

$$
P = \text{softmax}(z W + b)
$$

and for the right one, $y \in \{1, \dots, q\}$, the loss is

$$
L = - \log P_y .
$$
"""

BIGRAMS = r"""---
lemmata:
  train:
    scores: P
    symbols: {written: t, labels: y}
    vocabulary: c
    steps: 40
    batch: 8
    rate: 0.1
---

# One token from the last

With $t, y \in \{1, \dots, c\}^n$ and $E \in \mathbb{R}^{c \times c}$, for $i = 1, \dots, n$,

$$
Z_i = E_{t_i}
$$

$$
P = \text{softmax}(Z)
$$

$$
L = - \frac{1}{n} \sum_{i=1}^n \log P_{i, y_i}
$$
"""


def trained(folder, text, rows, **changes):
    from rich.console import Console

    from lemmata.training.loop import run
    from lemmata.training.setup import setup

    (folder / "document.md").write_text(text, encoding="utf-8")
    (folder / "data.tsv").write_text("\n".join(rows), encoding="utf-8")
    model = lemmata.load(folder / "document.md")
    chosen = setup(model, {"data": str(folder / "data.tsv"), **changes})
    return run(model, chosen, folder / "run", device="cpu", console=Console(quiet=True))


def test_classes_of_texts(tmp_path):
    words = {"animal": "cat dog cow hen", "fruit": "fig plum pear kiwi", "tool": "saw axe file rake"}
    rows = [f"{a} {b} {a}\t{kind}" for kind, text in words.items() for a in text.split() for b in text.split()]
    report = trained(tmp_path, CLASSIFIER, rows)
    assert report.right == 1.0 and report.held_out_loss < 0.1
    assert {target for _, target, _ in report.shown} <= set(words)


def test_text_is_continued(tmp_path):
    report = trained(tmp_path, BIGRAMS, ["abcabcabc", "bcabcabca", "cabcabcab"] * 8, held_out=0.2)
    assert report.right is None and report.held_out_loss < 0.6 * report.losses[0][1]


@pytest.mark.train
def test_tensorboard_is_told_figures_weights_and_maps(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    trained(tmp_path, CLASSIFIER, ["a b\tx", "c d\ty"] * 20, steps=4, show_every=2)
    found = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    assert set(found.Tags()["scalars"]) == {"loss", "rate", "gradient"}
    assert [x.step for x in found.Scalars("loss")] == [2, 4]
    assert "weights/module.W" in found.Tags()["histograms"] and "gradients/module.E" in found.Tags()["histograms"]


def test_a_loop_without_settings_lowers_the_loss_and_repeats_with_its_seed(tmp_path):
    from rich.console import Console

    from lemmata.training.fit import train

    target = torch.randn(12, 12, generator=torch.Generator().manual_seed(3))

    def run():
        torch.manual_seed(0)
        module = torch.nn.Linear(12, 12)

        def batch(generator):
            x = torch.randn(16, 3, 12, generator=generator)
            return x, x @ target

        loss = torch.nn.functional.mse_loss
        return train(module, batch, loss, steps=60, rate=1e-2, console=Console(file=io.StringIO()))

    report = run()
    assert report.steps == 60 and report.last < 0.8 * report.first
    assert run() == report
