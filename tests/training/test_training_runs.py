"""Runs of the trainer on the Transformer document: resumed, killed, shared by processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import lemmata
from places import ROOT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DOCUMENT = ROOT / "examples" / "transformer.md"
SMALL = {"data": "reverse", "sizes": {"d": 16, "h": 2, "d_f": 32, "N": 1}, "batch": 8, "save_every": 4, "show_every": 1,
         "steps": 12, "held_out": 0.001}  # fmt: skip
OPTIONS = "--data reverse --batch 8 --set sizes.d=16 --set sizes.h=2 --set sizes.d_f=32 --set sizes.N=1".split()
OPTIONS += "--set save_every=4 --set show_every=1 --set held_out=0.001".split()


@pytest.fixture(scope="module")
def model():
    return lemmata.load(DOCUMENT)


def trained(model, out, resume=False, **changes):
    from rich.console import Console

    from lemmata.training.loop import run
    from lemmata.training.setup import setup

    torch.set_num_threads(1)
    return run(model, setup(model, {**SMALL, **changes}), out, resume=resume, device="cpu", console=Console(quiet=True))


def state(out):
    return torch.load(out / "checkpoint.pt", weights_only=True)


def same(a, b):
    assert a["step"] == b["step"] and a["network"].keys() == b["network"].keys()
    for part in ("network", "optimizer"):
        left, right = ({k: v for k, v in x[part].items() if k != "state"} for x in (a, b))
        assert all(torch.equal(torch.as_tensor(left[k]), torch.as_tensor(right[k])) for k in left)
    moments = a["optimizer"]["state"]
    assert all(torch.equal(moments[k], b["optimizer"]["state"][k]) for k in moments)


def command(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return [sys.executable, "-m", "lemmata", "train", str(DOCUMENT), *OPTIONS, *arguments], environment


def losses(out):
    return [json.loads(line)["loss"] for line in (out / "figures.jsonl").read_text().splitlines()]


def test_a_resumed_run_ends_with_the_same_bits(model, tmp_path):
    whole = trained(model, tmp_path / "whole")
    part = trained(model, tmp_path / "part", steps=7)
    rest = trained(model, tmp_path / "part", resume=True)
    same(state(tmp_path / "whole"), state(tmp_path / "part"))
    assert part.losses + rest.losses == whole.losses
    assert losses(tmp_path / "part") == losses(tmp_path / "whole")
    assert len(set(whole.losses)) == 12


def test_a_killed_run_resumes_to_the_same_bits(model, tmp_path):
    trained(model, tmp_path / "whole", steps=80)
    line, environment = command("--steps", "80", "--out", str(tmp_path / "killed"))
    started = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: (tmp_path / "killed" / "checkpoint.pt").exists(), started)
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    reached = state(tmp_path / "killed")["step"]
    assert 0 < reached < 80 and reached % 4 == 0
    trained(model, tmp_path / "killed", resume=True, steps=80)
    same(state(tmp_path / "whole"), state(tmp_path / "killed"))
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def wait_until(done, process):
    end = time.monotonic() + 100
    while not done():
        assert process.poll() is None and time.monotonic() < end, "the run ended before it could be killed"
        time.sleep(0.01)


def test_the_plain_expansion_trains_alike(model, tmp_path):
    """`lemmata train --no-fuse`: the formulas step by step, without fused attention, give the same losses."""
    fused = trained(model, tmp_path / "fused", steps=6)
    line, environment = command("--steps", "6", "--out", str(tmp_path / "plain"), "--device", "cpu", "--no-fuse")
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert losses(tmp_path / "plain") == pytest.approx([loss for _, loss in fused.losses], rel=2e-5)
    assert losses(tmp_path / "plain") != [loss for _, loss in fused.losses]


def test_two_processes_give_the_loss_curve_of_one(model, tmp_path):
    one = trained(model, tmp_path / "one", steps=8)
    line, environment = command("--steps", "8", "--out", str(tmp_path / "two"), "--device", "cpu")
    together = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *line[1:]]
    done = subprocess.run(together, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert losses(tmp_path / "two") == pytest.approx([loss for _, loss in one.losses], rel=2e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_follows_single(model, tmp_path, precision):
    changes = {"steps": 6, "optimizer": "adam", "clip": 1.0}
    single = trained(model, tmp_path / "single", **changes)
    half = trained(model, tmp_path / "half", precision=precision, **changes)
    # The first scale of fp16 may be too large, which costs a step.
    assert half.losses[0][1] == pytest.approx(single.losses[0][1], rel=0.01)
    assert [x for _, x in half.losses] == pytest.approx([x for _, x in single.losses], rel=0.1)
    assert half.losses != single.losses


def test_clipping_shortens_the_gradient(model, tmp_path):
    changes = {"optimizer": "sgd", "rate": 1.0, "steps": 2}
    free = trained(model, tmp_path / "free", **changes)
    short = trained(model, tmp_path / "short", clip=1e-6, **changes)
    assert free.losses[0] == short.losses[0]
    assert abs(short.losses[1][1] - short.losses[0][1]) < abs(free.losses[1][1] - free.losses[0][1])


def test_the_loss_is_that_of_a_module_written_by_hand(model):
    from lemmata.training.network import Network
    from lemmata.training.setup import setup

    chosen = setup(model, SMALL)
    network = Network(model, chosen, {**chosen.sizes, "c": 14})
    examples = {"source": torch.tensor([[4, 5, 6, 1], [7, 4, 1, 1]]), "written": torch.tensor([[2, 8, 9], [2, 9, 1]]),
                "labels": torch.tensor([[8, 9, 3], [9, 3, 1]])}  # fmt: skip
    found = network(**examples)
    held = {n: w.detach().clone().requires_grad_() for n, w in network.module.held().items()}
    expected = by_hand(held, examples)
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    for name, weight in network.module.named_parameters():
        torch.testing.assert_close(weight.grad, held[name].grad, rtol=1e-4, atol=1e-6)
    rows = network.scores(**{k: v for k, v in examples.items() if k != "labels"})
    torch.testing.assert_close(rows.sum(-1), torch.ones(2, 3))


def by_hand(w, examples, smoothing=0.1):
    """The loss of a Transformer of one layer, from PyTorch's own parts."""
    x, t, y = examples["source"], examples["written"], examples["labels"]
    functional, d = torch.nn.functional, w["E"].shape[1]

    def norm(z):
        return functional.layer_norm(z, (d,), eps=0.0)

    def embedded(tokens):
        place = torch.arange(1, tokens.shape[1] + 1)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
        return d**0.5 * w["E"][tokens - 1] + torch.stack([place.sin(), place.cos()], -1).flatten(1)

    def heads(a, y, z, mask):
        q, k, v = (torch.einsum("bnd,hde->bhne", s, w[n][a]) for s, n in ((y, "W^Q"), (z, "W^K"), (z, "W^V")))
        scores = q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5 + mask
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2) @ w["W^O"][a]

    def ffn(b, z):
        return torch.relu(z @ w["U"][b] + w["u"][b]) @ w["S"][b] + w["s"][b]

    filled = torch.zeros(x.shape).masked_fill(x == 1, -torch.inf)[:, None, None, :]
    later = torch.full((t.shape[1],) * 2, -torch.inf).triu(1)
    h, g = embedded(x), embedded(t)
    h = norm(h + heads(0, h, h, filled))
    h = norm(h + ffn(0, h))
    g = norm(g + heads(1, g, g, later))
    g = norm(g + heads(2, g, h, filled))
    g = norm(g + ffn(1, g))
    each = functional.cross_entropy((g @ w["E"].T).flatten(0, 1), y.flatten() - 1, reduction="none",
                                    label_smoothing=smoothing).view(y.shape)  # fmt: skip
    return ((each * (y != 1)).sum(1) / (y != 1).sum(1)).mean()


def test_attention_maps_are_distributions(model, tmp_path):
    from lemmata.training.data import load
    from lemmata.training.loop import Trainer
    from lemmata.training.processes import Process
    from lemmata.training.record import heat_map
    from lemmata.training.setup import setup

    chosen = setup(model, SMALL)
    trainer = Trainer(model, chosen, load(chosen), Process(0, 1, torch.device("cpu")))
    examples = trainer.batch(0)
    maps = trainer.maps(examples)
    n, m = examples["written"].shape[1], examples["source"].shape[1]
    assert sorted(tuple(x.shape) for x in maps) == sorted([(2, m, m), (2, n, n), (2, n, m)])
    for weights in maps:
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    causal = next(x for x in maps if x.shape == (2, n, n))
    assert causal.triu(1).count_nonzero() == 0
    picture = heat_map(maps[0], pixels=2)
    assert picture.shape == (3, 2 * m, 2 * (2 * m + 1)) and 0 <= picture.min() and picture.max() <= 1


def test_a_checkpoint_of_other_settings_is_not_taken_up(model, tmp_path):
    from lemmata.training.setup import BadSetup

    trained(model, tmp_path, steps=2)
    with pytest.raises(BadSetup, match="seed was 0, is 5"):
        trained(model, tmp_path, resume=True, seed=5)
    (tmp_path / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(BadSetup, match="cannot be read as a checkpoint"):
        trained(model, tmp_path, resume=True)


def test_beams_find_what_greed_misses():
    from lemmata.training.network import beam

    # Tokens 1 to 5, written as 1 + place: 2 begins, 3 ends. 4 looks best first, but 5 leads to a sure end.
    table = torch.full((6, 5), 1e-6)
    table[2] = torch.tensor([0, 0, 0, 0.6, 0.4])
    table[4] = torch.tensor([0, 0, 0.4, 0.3, 0.3])
    table[5] = torch.tensor([0, 0, 1.0, 0, 0])
    table[1] = table[3] = torch.tensor([1.0, 0, 0, 0, 0])

    def scores(examples):
        return table[examples["written"]]

    source = {"source": torch.ones(2, 1, dtype=torch.long)}
    assert beam(scores, source, 2, 3, 1, 3, 1).tolist() == [[4, 3, 1]] * 2
    assert beam(scores, source, 2, 3, 1, 3, 2).tolist() == [[5, 3, 1]] * 2
