"""How much the cells of one document may use."""

from __future__ import annotations

from msgspec import Struct

MIB = 2**20


class Limits(Struct, frozen=True):
    cell_seconds: float = 30.0
    """Wall time of one cell, and of one request to the worker afterwards."""
    total_seconds: float = 120.0
    """Wall time of all cells and requests of a document together, restarts included."""
    memory: int = 4096 * MIB
    """Resident bytes of the worker and its descendants together."""
    processes: int = 48
    """Processes that the cells may have at a time, the worker included."""
    output: int = 1 * MIB
    """Characters that one cell may print; past it the cell is stopped."""
    file: int = 64 * MIB
    """Bytes of one file in the scratch folder."""
    folder: int = 1024 * MIB
    """Bytes in the scratch folder, looked at a few times a second."""
    value: int = 8 * MIB
    """Bytes of one array that is handed over or remembered."""
