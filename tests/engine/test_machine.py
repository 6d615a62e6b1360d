"""What the engine takes this machine for, read from files such as Linux has."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from workbench.engine.machine import Machine

MIB = 1024 * 1024


def machine(folder: Path, membership: str, files: Mapping[str, str]) -> Machine:
    """A machine whose control groups hold ``files``; every CPU is a core of its own."""
    for name, text in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "membership").write_text(membership)
    for cpu in psutil.Process().cpu_affinity():
        core(folder, cpu, f"{cpu}")
    return Machine(folder / "cgroup", folder / "membership", folder / "cpus")


def core(folder: Path, cpu: int, siblings: str) -> None:
    topology = folder / "cpus" / f"cpu{cpu}" / "topology"
    topology.mkdir(parents=True, exist_ok=True)
    (topology / "thread_siblings_list").write_text(f"{siblings}\n")


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("0::/box\n", {"box/cpu.max": "100000 100000\n"}),
        ("0::/box/inner\n", {"box/cpu.max": "150000 100000\n", "box/inner/cpu.max": "max 100000"}),
        ("0::/the/host's/name\n", {"cpu.max": "50000 100000\n"}),
        (
            "5:cpu,cpuacct:/box\n0::/\n",
            {"cpu/box/cpu.cfs_quota_us": "100000\n", "cpu/box/cpu.cfs_period_us": "100000\n"},
        ),
    ],
    ids=["v2", "a group above", "a name from outside", "v1"],
)
def test_a_quota_leaves_one_core(tmp_path: Path, membership: str, files: dict[str, str]) -> None:
    assert machine(tmp_path, membership, files).physical_cores() == 1


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("", {}),
        ("0::/\n", {"cpu.max": "max 100000\n"}),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}),
        # Another controller's group says nothing of ours.
        ("3:cpuset:/a\n", {"cpu.max": "100000 100000\n"}),
    ],
    ids=["no groups", "v2", "v1", "another controller"],
)
def test_without_a_quota_every_allowed_core_counts(
    tmp_path: Path, membership: str, files: dict[str, str]
) -> None:
    found = machine(tmp_path, membership, files).physical_cores()
    assert found == len(psutil.Process().cpu_affinity())


def test_hyper_threads_of_one_core_count_once(tmp_path: Path) -> None:
    one = machine(tmp_path, "", {})
    for cpu in psutil.Process().cpu_affinity():
        core(tmp_path, cpu, "0-999")
    assert one.physical_cores() == 1


def test_affinity_takes_cores_away(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    one = machine(tmp_path, "", {})
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert one.physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("membership", "files", "free"),
    [
        (
            "0::/box\n",
            {"box/memory.max": f"{64 * MIB}\n", "box/memory.current": f"{40 * MIB}\n"},
            24 * MIB,
        ),
        (
            "0::/box\n",
            {
                "box/memory.max": f"{64 * MIB}\n",
                "box/memory.current": f"{60 * MIB}\n",
                # What was read lately fills the cache, and is given up for the asking.
                "box/memory.stat": f"anon 7\ninactive_file {20 * MIB}\nactive_file {10 * MIB}\n",
            },
            34 * MIB,
        ),
        (
            "0::/box/inner\n",
            {
                "box/memory.max": f"{32 * MIB}\n",
                "box/memory.current": f"{31 * MIB}\n",
                "box/inner/memory.max": "max\n",
                "box/inner/memory.current": "0\n",
            },
            1 * MIB,
        ),
        (
            "4:memory:/box\n0::/\n",
            {
                "memory/box/memory.limit_in_bytes": f"{64 * MIB}\n",
                "memory/box/memory.usage_in_bytes": f"{60 * MIB}\n",
                "memory/box/memory.stat": f"inactive_file 1\ntotal_inactive_file {9 * MIB}\n",
            },
            13 * MIB,
        ),
        (
            "0::/\n",
            {"memory.max": f"{1 * MIB}\n", "memory.current": f"{2 * MIB}\n"},
            0,
        ),
    ],
    ids=["v2", "its cache is free", "a group above", "v1", "over the limit"],
)
def test_a_group_limits_the_free_memory(
    tmp_path: Path, membership: str, files: dict[str, str], free: int
) -> None:
    assert machine(tmp_path, membership, files).free_memory() == free


def test_without_a_limit_free_is_what_the_system_has(tmp_path: Path) -> None:
    free = machine(tmp_path, "0::/\n", {"memory.max": "max\n"}).free_memory()
    assert free == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_a_limited_address_space_limits_the_free_memory(tmp_path: Path) -> None:
    free = machine(tmp_path, "", {})
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 64 * MIB, before[1]))
    try:
        assert 0 < free.free_memory() <= 64 * MIB
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
