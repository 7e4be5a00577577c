"""PyTorch optimisers: one that executes the document's update rule, and PyTorch's own by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from lemmata.model import Model
from lemmata.training.rules import UpdateRule, update_rule
from lemmata.training.setup import OPTIMIZERS, Setup


class RuleOptimizer(torch.optim.Optimizer):
    """The document's update rule on all weights, laid side by side in one vector.

    The learning rate in `param_groups` is the one that the rule used in the latest step, where it has one.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rule: UpdateRule) -> None:
        super().__init__(parameters, {"lr": 0.0})
        self.rule = rule
        self.steps = 0
        (group,) = self.param_groups
        self.flat = torch.cat([p.detach().flatten() for p in group["params"]])
        self.carried = [torch.full_like(self.flat, rule.first[name]) for name in rule.state]
        at = 0
        for p in group["params"]:
            p.data = self.flat[at : at + p.numel()].view_as(p)
            at += p.numel()

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        (group,) = self.param_groups
        gradient = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in group["params"]])
        self.steps += 1
        step = torch.tensor(float(self.steps), dtype=torch.float64, device="cpu")
        weights, carried, rate = self.rule(step, self.flat, gradient, self.carried)
        self.flat.copy_(weights)
        for old, new in zip(self.carried, carried, strict=True):
            old.copy_(new)
        if rate is not None:
            group["lr"] = float(rate)
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "state": dict(zip(self.rule.state, self.carried, strict=True))}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.steps = int(state_dict["steps"])
        for name, held in zip(self.rule.state, self.carried, strict=True):
            saved: Tensor = state_dict["state"][name]
            held.copy_(saved)


def optimizer(parameters: Iterable[nn.Parameter], model: Model, chosen: Setup) -> torch.optim.Optimizer:
    """The optimiser that the settings name. Raises NoRule where it is no rule that the document gives."""
    weights = list(parameters)
    if chosen.optimizer in OPTIMIZERS and chosen.optimizer not in model.functions:
        match chosen.optimizer:
            case "sgd":
                return torch.optim.SGD(weights, lr=chosen.rate, momentum=0.9)
            case "adamw":
                return torch.optim.AdamW(weights, lr=chosen.rate)
        return torch.optim.Adam(weights, lr=chosen.rate)
    constants = {**{k: float(v) for k, v in chosen.sizes.items()}, **chosen.constants}
    return RuleOptimizer(weights, update_rule(model, chosen.optimizer, constants))
