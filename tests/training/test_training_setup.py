"""Settings and data: what is taken from where, and what is said of mistakes."""

from __future__ import annotations

import datetime

import pytest

import lemmata
from places import ROOT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def model():
    return lemmata.load(ROOT / "examples" / "transformer.md")


def test_settings_come_from_document_file_and_command(model, tmp_path):
    from lemmata.training.setup import setup

    config = tmp_path / "settings.yaml"
    config.write_text("steps: 7\nbatch: 32\n")
    found = setup(model, {"batch": 16, "seed": None}, config)
    assert (found.loss, found.optimizer, found.steps, found.batch, found.seed) == ("L", "theta", 7, 16, 0)


@pytest.mark.parametrize(
    "given, says",
    [
        ({"stepps": 3}, "there is no setting stepps; did you mean steps?"),
        ({"steps": "many"}, "steps: 'many' is no whole number"),
        ({"steps": 0}, "steps: 0 is less than 1"),
        ({"sizes": 4}, "sizes: 4 is no list of whole numbers by name"),
        ({"precision": "fp8"}, "precision: fp8 is none of float32, bf16, fp16"),
        ({"symbols": {"input": "x"}}, "labels at least"),
    ],
)
def test_wrong_settings_are_told(model, given, says):
    from lemmata.training.setup import BadSetup, setup

    with pytest.raises(BadSetup) as raised:
        setup(model, given)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "change, says",
    [
        (["--data", "nothing.tsv"], "nothing.tsv: no such file, and no such task; tasks are reverse, sort, dates"),
        (["--set", "loss=Q_9"], "loss: "),
        (["--set", "symbols.source=zz"], "symbols: source: L does not depend on zz; it depends on"),
        (["--set", "sizes.h=3"], "needs the sizes d_k"),
        (["--set", "optimizer=phi"], "defines no phi"),
        (["--device", "nowhere"], "device: nowhere"),
        (["--set", "steps"], "--set takes NAME=VALUE"),
    ],
)
def test_the_command_tells_what_does_not_fit(change, says, tmp_path):
    from click.testing import CliRunner

    from lemmata.surfaces.cli import cli

    found = CliRunner().invoke(cli, ["train", str(ROOT / "examples/transformer.md"), "--out", str(tmp_path), *change])
    assert found.exit_code != 0 and says in found.output, found.output
    assert "Traceback" not in found.output


def test_examples_from_a_file(tmp_path):
    from lemmata.training.data import load, tensors
    from lemmata.training.setup import BadSetup, Setup

    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"ab{n}\tba{n}\n" for n in range(10)), encoding="utf-8")
    chosen = Setup(data=str(path), held_out=0.2)
    data = load(chosen)
    assert (len(data.train), len(data.held_out)) == (8, 2)
    found = tensors([("ab", "ba"), ("b", "a?a")], data, chosen)
    v = data.vocabulary
    a, b = (v.numbers(x)[0] for x in "ab")
    assert found["source"].tolist() == [[a, b, 1, 1, 1, 1, 1, 1], [b, 1, 1, 1, 1, 1, 1, 1]]
    assert found["written"].tolist() == [[2, b, a, 1, 1, 1, 1, 1], [2, a, a, 1, 1, 1, 1, 1]]
    assert found["labels"].tolist() == [[b, a, 3, 1, 1, 1, 1, 1], [a, a, 3, 1, 1, 1, 1, 1]]
    assert v.text(found["labels"][0].tolist()) == "ba"
    path.write_text("one column\n", encoding="utf-8")
    with pytest.raises(BadSetup, match=r"pairs\.tsv:1: expected two columns split by a tab, found 1"):
        load(chosen)


def test_every_epoch_takes_each_example_once():
    from lemmata.training.data import chosen_at

    seen = [i for step in range(5) for i in chosen_at(step, 10, 4, seed=3)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10)) and seen[:10] != seen[10:]
    assert chosen_at(3, 10, 4, seed=3) == seen[12:16]


@pytest.mark.parametrize(
    "number, english, chinese",
    [
        (7, "seven", "七"),
        (10, "ten", "十"),
        (12, "twelve", "十二"),
        (40, "forty", "四十"),
        (105, "one hundred and five", "一百零五"),
        (110, "one hundred and ten", "一百一十"),
        (3005, "three thousand and five", "三千零五"),
        (3050, "three thousand and fifty", "三千零五十"),
        (9999, "nine thousand nine hundred and ninety-nine", "九千九百九十九"),
        (2300, "two thousand three hundred", "二千三百"),
    ],
)
def test_numbers_in_words(number, english, chinese):
    from lemmata.training import tasks

    assert (tasks.english(number), tasks.chinese(number)) == (english, chinese)


def test_tasks_have_different_sources_and_right_targets():
    from lemmata.training.tasks import examples

    dates = examples("dates", 0)
    assert len({source for source, _ in dates}) == len(dates) == 20_000
    assert all(datetime.date.fromisoformat(target) for _, target in dates)
    assert {"二〇"} <= {s[:2] for s, _ in dates}
    assert all(target == source[::-1] for source, target in examples("reverse", 1))
    assert all(target == "".join(sorted(source)) for source, target in examples("sort", 1))
