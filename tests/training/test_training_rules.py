"""Update rules that documents state, against PyTorch's optimisers."""

from __future__ import annotations

import pytest

import lemmata

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ADAM = r"""
Let $\theta \in \mathbb{R}^r$ be the weights and $g_k \in \mathbb{R}^r$ the gradient at step $k = 1, 2, \dots$, with
$\beta_1 = 0.9$, $\beta_2 = 0.99$ and $\epsilon = 10^{-8}$.

$$
m_k = \beta_1 m_{k-1} + (1 - \beta_1) g_k
$$

$$
v_k = \beta_2 v_{k-1} + (1 - \beta_2) g_k^2
$$

$$
\hat m_k = \frac{m_k}{1 - \beta_1^k}, \quad \hat v_k = \frac{v_k}{1 - \beta_2^k}
$$

$$
\eta_k = 0.1 \min\left(1, \frac{k}{5}\right)
$$

$$
\theta_k = \theta_{k-1} - \eta_k \frac{\hat m_k}{\sqrt{\hat v_k} + \epsilon}
$$

starting from $m_0 = 0$ and $v_0 = 0$.
"""

MOMENTUM = r"""
设参数 $\theta \in \mathbb{R}^r$，$g_t \in \mathbb{R}^r$ 为第 $t$ 步的梯度。

$$
v_t = \beta v_{t-1} + g_t
$$

$$
\theta_t = \theta_{t-1} - \eta v_t
$$
"""

DESCENT = r"""
Let $w \in \mathbb{R}^n$ and $L: \mathbb{R}^n \to \mathbb{R}$.

$$
w_{t+1} = w_t - \alpha \nabla L(w_t)
$$
"""


def rule(folder, text, name="theta", **constants):
    from lemmata.training.rules import update_rule

    path = folder / "rule.md"
    path.write_text("# Rule\n" + text, encoding="utf-8")
    return update_rule(lemmata.load(path), name, constants)


def paths(optimizer, weights, steps=40):
    """The weights after each step on a crooked valley, and the rates."""
    target = torch.linspace(-1, 1, sum(w.numel() for w in weights), dtype=weights[0].dtype)
    found = []
    for _ in range(steps):
        flat = torch.cat([w.flatten() for w in weights])
        loss = ((flat - target) ** 4).sum() + (flat[0] * flat[-1]) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append((flat.detach().clone(), optimizer.param_groups[0]["lr"]))
    return found


def weights():
    generator = torch.Generator().manual_seed(1)
    shapes = [(3, 4), (5,), ()]
    return [torch.nn.Parameter(torch.randn(s, generator=generator, dtype=torch.float64)) for s in shapes]


def test_the_documents_adam_is_pytorchs_step_for_step(tmp_path):
    from lemmata.training.optimizer import RuleOptimizer

    found = paths(RuleOptimizer(w := weights(), rule(tmp_path, ADAM)), w)
    adam = torch.optim.Adam(v := weights(), lr=0.1, betas=(0.9, 0.99), eps=1e-8)
    warm_up = torch.optim.lr_scheduler.LambdaLR(adam, lambda k: min(1, (k + 1) / 5))
    expected = []
    for _ in range(40):
        expected += paths(adam, v, 1)
        warm_up.step()
    for (mine, rate), (theirs, wanted) in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-13)
        assert rate == pytest.approx(wanted)
    assert (found[0][0] - found[-1][0]).abs().max() > 0.1


def test_momentum_takes_its_numbers_from_outside(tmp_path):
    from lemmata.training.optimizer import RuleOptimizer

    found = paths(RuleOptimizer(w := weights(), rule(tmp_path, MOMENTUM, beta=0.9, eta=0.01)), w)
    expected = paths(torch.optim.SGD(v := weights(), lr=0.01, momentum=0.9), v)
    for (mine, _), (theirs, _) in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-13)


def test_a_rule_may_name_the_gradient_by_its_operator(tmp_path):
    from lemmata.training.optimizer import RuleOptimizer

    found = paths(RuleOptimizer(v := weights(), rule(tmp_path, DESCENT, "w", alpha=0.01)), v)
    expected = paths(torch.optim.SGD(w := weights(), lr=0.01), w)
    torch.testing.assert_close(found[-1][0], expected[-1][0], rtol=1e-12, atol=1e-13)


def test_state_goes_on_where_it_stopped(tmp_path):
    from lemmata.training.optimizer import RuleOptimizer

    adam = rule(tmp_path, ADAM)
    whole = paths(RuleOptimizer(w := weights(), adam), w)
    first = RuleOptimizer(w := weights(), adam)
    paths(first, w, 15)
    again = [torch.nn.Parameter(x.detach().clone()) for x in w]
    second = RuleOptimizer(again, adam)
    second.load_state_dict(first.state_dict())
    assert torch.equal(paths(second, again, 25)[-1][0], whole[-1][0])


@pytest.mark.parametrize(
    "text, name, constants, says",
    [
        (MOMENTUM, "theta", {"eta": 0.1}, r"\\beta is neither given in the document nor in its settings"),
        (MOMENTUM, "phi", {}, "defines no phi"),
        ("\n$$\n\\theta = x + y\n$$\n", "theta", {}, "is no recurrence"),
        ("\n$$\n\\theta_t = 0.5 \\theta_{t-1}\n$$\n", "theta", {}, "takes no gradient"),
    ],
)
def test_what_is_no_rule_says_why(tmp_path, text, name, constants, says):
    from lemmata.training.rules import NoRule

    with pytest.raises(NoRule, match=says):
        rule(tmp_path, text, name, **constants)
