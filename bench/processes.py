"""CPU time and memory of process trees, from /proc; where there is none, nothing is known."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stat:
    """One process: its parent, and the ticks it and its ended children have used."""

    parent: int
    ticks: int


def _read(pid: int) -> Stat | None:
    try:
        # The name in brackets may hold anything, so what counts stands behind the last bracket.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(int(fields[1]), sum(int(field) for field in fields[11:15]))


def _read_all() -> dict[int, Stat]:
    if not PROC.is_dir():
        return {}
    pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    found = {pid: _read(pid) for pid in pids}
    return {pid: stat for pid, stat in found.items() if stat}


def cpu_seconds(roots: Iterable[int]) -> float | None:
    """Return the CPU seconds used so far by these processes and all below them.

    What an ended child has used is in its parent's account, so that nothing is lost when it ends.
    """
    stats = _read_all()
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent, []).append(pid)
    waiting = [pid for pid in roots if pid in stats]
    if not waiting:
        return None
    ticks = 0
    while waiting:
        pid = waiting.pop()
        ticks += stats[pid].ticks
        waiting += children.get(pid, [])
    return ticks / TICKS


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of one process."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def parent_of(pid: int, name: str) -> int | None:
    """Return the parent of a process where that is called ``name`` and runs on this machine."""
    stat = _read(pid)
    if stat is None:
        return None
    try:
        called = (PROC / str(stat.parent) / "comm").read_text().strip()
    except OSError:
        return None
    return stat.parent if called == name else None


def listener(host: str, port: int) -> int | None:
    """Return the process of this machine that listens on ``port``, where it can be found."""
    try:
        address = socket.gethostbyname(host)
    except OSError:
        return None
    if not address.startswith("127."):
        return None
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return None
    for folder in PROC.glob("[0-9]*/fd"):
        try:
            if any(str(entry.readlink()) in inodes for entry in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue
    return None
