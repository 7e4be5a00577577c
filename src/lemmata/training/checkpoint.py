"""Checkpoints: written whole or not at all, and all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lemmata.training.setup import BadSetup

NAME = "checkpoint.pt"
VERSION = 1


def save(
    folder: Path, step: int, network: nn.Module, optimizer: torch.optim.Optimizer, scaler: Any, setup: Any
) -> None:
    """Write the state after `step` steps. A kill at any moment leaves the former checkpoint or the new one."""
    state = {
        "version": VERSION,
        "step": step,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "setup": setup,
    }
    scratch = folder / f".{NAME}.{os.getpid()}"
    with scratch.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, folder / NAME)


def load(folder: Path) -> dict[str, Any] | None:
    """The latest checkpoint; None where there is none. Raises BadSetup for one that cannot be read."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["version"] != VERSION:
            raise BadSetup(f"{path}: was written by another version of Lemmata")
    except BadSetup:
        raise
    except Exception as error:
        raise BadSetup(f"{path}: cannot be read as a checkpoint: {type(error).__name__}") from error
    return dict(state)


def restore(state: dict[str, Any], network: nn.Module, optimizer: torch.optim.Optimizer, scaler: Any) -> int:
    """Put a checkpoint's state in place; the number of steps taken. Raises BadSetup where it is of another network."""
    own = network.state_dict()
    saved = state["network"]
    if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in saved.items()}:
        raise BadSetup("the checkpoint has other weights than the document at these sizes")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(saved[name])
    try:
        optimizer.load_state_dict(state["optimizer"])
    except (KeyError, ValueError) as error:
        raise BadSetup(f"the checkpoint was written with another optimiser: {error}") from error
    scaler.load_state_dict(state["scaler"])
    torch.set_rng_state(state["random"])
    if state["random_cuda"] and len(state["random_cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["random_cuda"])
    return int(state["step"])
