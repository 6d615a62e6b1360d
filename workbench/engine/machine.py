"""What this machine lets the engine have: cores and memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The part of a cgroup's memory that the kernel gives up when it is needed: files in its
# cache. Version 1 has them with "total_" for the groups below, too.
_FILE_CACHE: Final = ("inactive_file", "active_file")


@dataclass(frozen=True)
class Machine:
    """Reads the limits that stand when it is asked; macOS has none but the hardware's.

    The folders are the system's own: ``cgroups`` is where the control groups are mounted,
    ``membership`` says which of them this process is in.
    """

    cgroups: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")
    cpus: Path = Path("/sys/devices/system/cpu")

    def physical_cores(self) -> int:
        """Physical cores this process may use; at least 1.

        llama.cpp's threads wait for each other in spin loops, so hyper-threads, and cores
        taken away by CPU affinity or a container's quota, make it slower, not faster.
        """
        return max(1, min([self._allowed_cores(), *self._cpu_quotas()]))

    def free_memory(self) -> int:
        """Bytes this process can still take before something breaks; never below 0."""
        return max(0, min(self._free_memories()))

    def _allowed_cores(self) -> int:
        # Here and below: it would take a tenth of the time in which the engine starts.
        import psutil

        physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
        process = psutil.Process()
        if not hasattr(process, "cpu_affinity"):
            return physical
        allowed = process.cpu_affinity()
        siblings = {
            _read(self.cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list") for cpu in allowed
        }
        # A virtual machine may name none.
        return len(siblings) if None not in siblings else min(physical, len(allowed))

    def _cpu_quotas(self) -> Iterator[int]:
        """Whole cores' worth of time; more threads than that would be put to sleep together."""
        for group in self._groups(""):
            quota, period = (*(_read(group / "cpu.max") or "").split(), "", "")[:2]
            if quota.isdecimal() and period.isdecimal():
                yield int(quota) // int(period)
        for group in self._groups("cpu"):
            granted = _number(group / "cpu.cfs_quota_us")
            each = _number(group / "cpu.cfs_period_us")
            if granted is not None and granted > 0 and each:
                yield granted // each

    def _free_memories(self) -> Iterator[int]:
        import psutil

        yield psutil.virtual_memory().available
        for group in self._groups(""):
            limit, used = _number(group / "memory.max"), _number(group / "memory.current")
            if limit is not None and used is not None:
                yield limit - used + _file_cache(group, "")
        for group in self._groups("memory"):
            limit = _number(group / "memory.limit_in_bytes")
            used = _number(group / "memory.usage_in_bytes")
            if limit is not None and used is not None:
                yield limit - used + _file_cache(group, "total_")
        address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
        if address_space != resource.RLIM_INFINITY:
            yield address_space - psutil.Process().memory_info().vms

    def _groups(self, controller: str) -> Iterator[Path]:
        """The groups of version 1's ``controller`` that hold this process, its own first.

        Version 2 has one tree for all, by the name "". Inside a container the names may be
        the host's: what is not there is left out by those who read it.
        """
        for line in (_read(self.membership) or "").splitlines():
            _, controllers, own = (*line.split(":", 2), "", "")[:3]
            if controller in controllers.split(","):
                top = self.cgroups / controller
                group = top / own.strip("/")
                yield group
                while group != top:
                    group = group.parent
                    yield group


def _file_cache(group: Path, prefix: str) -> int:
    lines = [line.split() for line in (_read(group / "memory.stat") or "").splitlines()]
    figures = {line[0]: int(line[1]) for line in lines if len(line) == 2}
    return sum(figures.get(prefix + name, 0) for name in _FILE_CACHE)


def _number(file: Path) -> int | None:
    """The number in ``file``; None if there is no such file, or it says "max"."""
    text = _read(file)
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return None
