"""Several processes under `torchrun`: which one this is, its device, its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from msgspec import Struct
from torch import Tensor, distributed, nn

from lemmata.training.setup import BadSetup


class Process(Struct, frozen=True):
    """One of `count` processes that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.rank == 0

    def share(self, batch: list[int]) -> list[int]:
        """This process' part of a batch; all parts have one size."""
        return batch[self.rank :: self.count]

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the processes."""
        if self.count == 1:
            return network
        devices = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=devices)

    def mean(self, value: Tensor) -> Tensor:
        """A number's mean over the processes."""
        value = value.detach().clone()
        if self.count > 1:
            distributed.all_reduce(value)
            value /= self.count
        return value

    def wait(self) -> None:
        if self.count > 1:
            distributed.barrier()


@contextmanager
def process(device: str | None, batch: int) -> Iterator[Process]:
    """This process, joined with the others that `torchrun` started: gloo on CPUs, NCCL on GPUs. Raises BadSetup."""
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if batch % count:
        raise BadSetup(f"batch: {batch} examples cannot be shared equally by {count} processes")
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(name)
        if kind.type == "cuda" and kind.index is None:
            kind = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.empty(1, device=kind)
    except (RuntimeError, AssertionError) as error:
        raise BadSetup(f"device: {name}: {str(error).splitlines()[0]}") from None
    if kind.type == "cuda":
        torch.cuda.set_device(kind)
    if count == 1:
        yield Process(0, 1, kind)
        return
    distributed.init_process_group("nccl" if kind.type == "cuda" else "gloo", rank=rank, world_size=count)
    try:
        yield Process(rank, count, kind)
    finally:
        distributed.destroy_process_group()
