"""A part of a core for each process, by Linux' control groups (CPU bandwidth; version 1 or 2), which takes root."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import Server

QUOTA, PERIOD = 4_000, 20_000
"""Microseconds that a process may run, of how many. Longer ones are longer pauses; shorter ones find the caches cold more often."""
SHARE = QUOTA / PERIOD

NOT_POSSIBLE = "control groups cannot be made here: the load and PostgreSQL take cores away from the workers"


def is_possible() -> bool:
    """Whether processes can be given a share here."""
    return _hierarchy() is not None


@contextmanager
def of_a_core(servers: Iterable[Server]) -> Generator[None]:
    """Each process of the servers has its share within the block."""
    hierarchy = _hierarchy()
    assert hierarchy is not None, NOT_POSSIBLE  # noqa: S101 - the caller has asked
    root, limits = hierarchy
    groups: list[Path] = []
    try:
        for process in (process for server in servers for process in (server.process, *server.process.children(recursive=True))):
            group = root / f"rowsmith-{process.pid}"
            group.mkdir()
            groups.append(group)
            for name, value in (*limits.items(), ("cgroup.procs", str(process.pid))):
                (group / name).write_text(value)
        yield
    finally:
        for group in groups:
            for pid in (group / "cgroup.procs").read_text().split():
                (root / "cgroup.procs").write_text(pid)
            group.rmdir()


def _hierarchy() -> tuple[Path, dict[str, str]] | None:
    """Where groups are made, and what gives one its share; None where they cannot be made."""
    version_1, version_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    handed_down = version_2 / "cgroup.subtree_control"
    if (version_1 / "cgroup.procs").exists():
        found = version_1, {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(QUOTA)}
    elif handed_down.exists() and "cpu" in handed_down.read_text().split():
        found = version_2, {"cpu.max": f"{QUOTA} {PERIOD}"}
    else:
        return None
    return found if os.access(found[0], os.W_OK) else None
