"""Every rule about what a document cannot mean, with a true twin for each false statement."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata

PAIRS = {
    "arithmetic in words": (
        r"Both differ by the same amount, $$4 < 9 \;\text{ although }\; 9 - 4 = 8 - 2.$$",
        r"Both differ by the same amount, $$4 < 9 \;\text{ although }\; 9 - 4 = 8 - 3.$$",
    ),
    "arithmetic behind a name": (
        r"The bill is $\mathrm{Total}_A = 120 + 12 \cdot (1 - 0.25) = 119$.",
        r"The bill is $\mathrm{Total}_A = 120 + 12 \cdot (1 - 0.25) = 129$.",
    ),
    "arithmetic in Chinese": (
        r"因此 $\Pr(A \text{ 且 } B) = 0.2 \cdot 0.35 + 0.8 \cdot 0.15 = 0.29$。",
        r"因此 $\Pr(A \text{ 且 } B) = 0.2 \cdot 0.35 + 0.8 \cdot 0.15 = 0.19$。",
    ),
    "arithmetic, rounded at each step": (
        r"Then $\Pr(A \text{ or } B) = \frac{0.31}{0.42} = 0.84$.",
        r"Then $\Pr(A \text{ or } B) = \frac{0.31}{0.42} = 0.74$.",
    ),
    "arithmetic modulo a number": (
        r"Clearly $\Pr(A \text{ or } B) = 1 + 1 = 0$.",
        r"In binary arithmetic $\Pr(A \text{ or } B) = 1 + 1 = 0$.",
    ),
    "quoted law": (
        r"$$\begin{aligned} g(t) &= \ln(t^3) && \text{since } \ln(p q) = \ln(p) \ln(q) \end{aligned}$$",
        r"$$\begin{aligned} g(t) &= \ln(t^3) && \text{since } \ln(p q) = \ln(p) + \ln(q) \end{aligned}$$",
    ),
    "quoted law in Chinese": (
        r"利用恒等式 $\cos(u + v) = \cos(u)\cos(v) + \sin(u)\sin(v)$ 即可。",
        r"利用恒等式 $\cos(u + v) = \cos(u)\cos(v) - \sin(u)\sin(v)$ 即可。",
    ),
    "expansion": (
        r"Hence $$E\left[(u + \hat{g}(s))^2\right] = E[u^2] + E[u \hat{g}(s)] + E[\hat{g}(s)^2].$$",
        r"Hence $$E\left[(u + \hat{g}(s))^2\right] = E[u^2] + 2 E[u \hat{g}(s)] + E[\hat{g}(s)^2].$$",
    ),
    "expansion in Chinese": (
        r"展开得 $$\mathbb{E}[(r - V(s))^2] = \mathbb{E}[r^2] - 3 \mathbb{E}[r V(s)] + \mathbb{E}[V(s)^2]。$$",
        r"展开得 $$\mathbb{E}[(r - V(s))^2] = \mathbb{E}[r^2] - 2 \mathbb{E}[r V(s)] + \mathbb{E}[V(s)^2]。$$",
    ),
    "expansion whose cross term vanishes": (
        r"So $$E[(u - \hat{g}(s))^2] = E[u^2] - E[u \hat{g}(s)] + E[\hat{g}(s)^2].$$",
        r"Since the noise is uncorrelated, $$E[(u - \hat{g}(s))^2] = E[u^2] + E[\hat{g}(s)^2].$$",
    ),
    "implication": (
        r"We want $1 - \eta \ge 1 - N e^{-k} \Rightarrow N e^{-k} \le \eta$.",
        r"We want $1 - \eta \le 1 - N e^{-k} \Rightarrow N e^{-k} \le \eta$.",
    ),
    "implication in Chinese": (
        r"于是 $a - c < b \Rightarrow a > b + c$。",
        r"于是 $a - c < b \Rightarrow a < b + c$。",
    ),
    "complement": (
        r"We know $$P(|Z - m| > t) \le 3 e^{-t}$$ and therefore $$P(|Z - m| \le t) \le 1 - 3 e^{-t}.$$",
        r"We know $$P(|Z - m| > t) \le 3 e^{-t}$$ and therefore $$P(|Z - m| \le t) \ge 1 - 3 e^{-t}.$$",
    ),
    "complement in Chinese": (
        r"由 $$\Pr(S \ge a) \le \frac{v}{a^2}$$ 得 $$\Pr(S < a) \le 1 - \frac{v}{a^2}。$$",
        r"由 $$\Pr(S \ge a) \le \frac{v}{a^2}$$ 得 $$\Pr(S < a) \ge 1 - \frac{v}{a^2}。$$",
    ),
    "parameters of a density": (
        r"The encoder is $$q(h \mid u) = \mathcal{N}(h; \mu(u), \operatorname{diag}(\sigma(h))^2).$$",
        r"The encoder is $$q(h \mid u) = \mathcal{N}(h; \mu(u), \operatorname{diag}(\sigma(u))^2).$$",
    ),
    "parameters of a density in Chinese": (
        r"解码器为 $$p(y \mid h) = \mathcal{N}(y \mid m(y), \tau^2 I)。$$",
        r"解码器为 $$p(y \mid h) = \mathcal{N}(y \mid m(h), \tau^2 I)。$$",
    ),
    "noising process": (
        r"A step is $q(z_s | z_{s-1}) = \mathcal{N}(z_s; \sqrt{1 - b_s} z_{s-1}, b_s I)$."
        r" With $a_s = \prod_{i=1}^s (1 - b_i)$ we get $$q(z_s | z_0) = \mathcal{N}(z_s; a_s z_0, (1 - a_s) I).$$",
        r"A step is $q(z_s | z_{s-1}) = \mathcal{N}(z_s; \sqrt{1 - b_s} z_{s-1}, b_s I)$."
        r" With $a_s = \prod_{i=1}^s (1 - b_i)$ we get"
        r" $$q(z_s | z_0) = \mathcal{N}(z_s; \sqrt{a_s} z_0, (1 - a_s) I).$$",
    ),
    "sample of a noising process": (
        r"已知 $$q(z_s | z_0) = \mathcal{N}(z_s; \sqrt{a_s} z_0, (1 - a_s) I)$$"
        r" 采样 $$z_s = a_s z_0 + \sqrt{1 - a_s} \epsilon$$",
        r"已知 $$q(z_s | z_0) = \mathcal{N}(z_s; \sqrt{a_s} z_0, (1 - a_s) I)$$"
        r" 采样 $$z_s = \sqrt{a_s} z_0 + \sqrt{1 - a_s} \epsilon$$",
    ),
    "running index": (
        r"For disjoint $B_1, \dots, B_n$ that cover everything, $$\sum_{j=1}^n P(B_n) = 1.$$",
        r"For disjoint $B_1, \dots, B_n$ that cover everything, $$\sum_{j=1}^n P(B_j) = 1.$$",
    ),
    "running index in Chinese": (
        r"权重 $w_1, \ldots, w_m$ 满足 $$\sum_{i=1}^m w_m = 1。$$",
        r"权重 $w_1, \ldots, w_m$ 满足 $$\sum_{i=1}^m w_i = 1。$$",
    ),
    "argument that does not occur": (
        r"A common kernel is $k(u_i, u_j) = \exp(-\|u - u_j\|)$.",
        r"A common kernel is $k(u_i, u_j) = \exp(-\|u_i - u_j\|)$.",
    ),
    "argument that does not occur, in Chinese": (
        r"常用核函数 $k(u_1, u_2) = (u_1^\top u + c)^2$。",
        r"常用核函数 $k(u_1, u_2) = (u_1^\top u_2 + c)^2$。",
    ),
    "leftover index": (
        r"The mean is $$\frac{1}{n} \sum_{i=1}^n x_i = \frac{1}{n} \sum_{i=1}^{n-1} x_i + \frac{1}{n} x_i.$$",
        r"The mean is $$\frac{1}{n} \sum_{i=1}^n x_i = \frac{1}{n} \sum_{i=1}^{n-1} x_i + \frac{1}{n} x_n.$$",
    ),
    "leftover index in Chinese": (
        r"拆出最后一项： $$g\left(\sum_{k}^{m} w_k\right) = g\left(\sum_{k}^{m-1} w_k + w_k\right)$$",
        r"拆出最后一项： $$g\left(\sum_{k}^{m} w_k\right) = g\left(\sum_{k}^{m-1} w_k + w_m\right)$$",
    ),
    "series one step apart": (
        r"The value is $$V_t = \sum_{k=0}^\infty \lambda^k c_{t+k}$$ so that $$V_t = c_{t+1} + \lambda V_{t+1}.$$",
        r"The value is $$V_t = \sum_{k=0}^\infty \lambda^k c_{t+k}$$ so that $$V_t = c_t + \lambda V_{t+1}.$$",
    ),
    "series one step apart, in Chinese": (
        r"回报定义为 $$U_t = \sum_{j=1}^\infty \beta^{j-1} r_{t+j}$$ 故有 $$U_t = r_{t+1} + U_{t+1}$$",
        r"回报定义为 $$U_t = \sum_{j=1}^\infty \beta^{j-1} r_{t+j}$$ 故有 $$U_t = r_{t+1} + \beta U_{t+1}$$",
    ),
}  # fmt: skip


def refuted(folder: Path, text: str) -> list[str]:
    path = folder / "note.md"
    path.write_text(text + "\n", encoding="utf-8")
    return [s.reason for s in lemmata.check(path) if s.verdict == "refuted"]


@pytest.mark.parametrize("name", PAIRS)
def test_the_false_one_is_refuted(tmp_path, name):
    assert len(refuted(tmp_path, PAIRS[name][0])) == 1


@pytest.mark.parametrize("name", PAIRS)
def test_the_true_one_raises_no_alarm(tmp_path, name):
    assert refuted(tmp_path, PAIRS[name][1]) == []


def test_what_the_text_takes_back_raises_no_alarm(tmp_path):
    false = PAIRS["running index"][0]
    assert refuted(tmp_path, false.replace("For disjoint", "One might write for disjoint") + " This is wrong.") == []
