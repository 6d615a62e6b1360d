"""llama.cpp as it was built: its log, its version, what it can do."""

from __future__ import annotations

import ctypes
import re
import sys
from collections import deque
from typing import Final

from workbench.engine.llama.binding import binding
from workbench.untrusted import without_controls

# ggml.h's levels. The binding's own table is off by one from level 1 on.
_LOG_INFO: Final = 2
_LOG_WARN: Final = 3
_LOG_ERROR: Final = 4
_LOG_CONT: Final = 5
# What llama.cpp puts before a complaint: the function that made it, what it was about.
_PASSED_ON: Final = re.compile(r"^(?:\w+: (?=\S)|error loading model[\w ]*: )+")


# A reason that comes of too little memory.
NO_MEMORY: Final = re.compile(r"allocate|bad_alloc|mmap failed")


class Log:
    """llama.cpp's log: goes to stderr, the engine's log file; what it said last is kept."""

    def __init__(self) -> None:
        self.errors: deque[str] = deque(maxlen=8)
        self.warnings: deque[str] = deque(maxlen=32)
        self.infos: deque[str] = deque(maxlen=256)
        self._level = 0
        # llama.cpp holds only the address: the callback lives as long as this object.
        self._callback = binding.llama_log_callback(self._write)
        binding.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _write(self, level: int, text: bytes, _user_data: object) -> None:
        self._level = self._level if level == _LOG_CONT else level
        if self._level < _LOG_INFO:
            return
        line = text.decode("utf-8", "replace")
        sys.stderr.write(line)
        sys.stderr.flush()
        kept = {_LOG_INFO: self.infos, _LOG_WARN: self.warnings}.get(self._level, self.errors)
        # One line, whatever a file's keys and names hold.
        kept.append(" ".join(without_controls(line).split()))

    def clear(self) -> None:
        """Forget what was said of things done before."""
        self.errors.clear()
        self.warnings.clear()
        self.infos.clear()

    def reason(self) -> str:
        """Why llama.cpp failed: the first of its complaints; the others only pass it on."""
        for error in self.errors:
            if reason := _PASSED_ON.sub("", error).rstrip(". "):
                return reason
        return "it gave no reason; see the engine's log"


log: Final = Log()
binding.llama_backend_init()


def llama_cpp_version() -> str:
    """llama.cpp's own version."""
    version: bytes = binding.llama_version()
    return version.decode("utf-8", "replace")


def system_info() -> str:
    """The CPU features and backends this build uses."""
    info: bytes = binding.llama_print_system_info()
    return info.decode("utf-8", "replace").strip()


def gpu_offload() -> bool:
    """Whether this build can put layers on a GPU."""
    return bool(binding.llama_supports_gpu_offload())


_NUMA: Final = {"off": 0, "distribute": 1, "isolate": 2, "numactl": 3}


class Numa:
    """llama.cpp's NUMA strategy: it can be set once in a process."""

    def __init__(self) -> None:
        self.strategy = "off"

    def set(self, strategy: str) -> bool:
        """Set the strategy; False if another one is in force already."""
        if strategy != self.strategy and self.strategy == "off":
            binding.llama_numa_init(_NUMA[strategy])
            self.strategy = strategy
        return strategy == self.strategy


numa: Final = Numa()
