"""llama-cpp-python's low-level modules, without the package around them.

The package's own ``__init__`` imports its high-level class, and with it numpy and more: that
would double the time in which the engine is ready, for nothing we use.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

_PACKAGE: Final = "llama_cpp"


def submodule(name: str) -> ModuleType:
    """``llama_cpp.NAME``. Raises ImportError."""
    if _PACKAGE in sys.modules:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    # An empty package in its place knows where the modules lie, and is gone again for those
    # who import the real one.
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(_spec())
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    finally:
        del sys.modules[_PACKAGE]


def version() -> str:
    """The binding's version, as its ``__init__`` has it."""
    found = re.search(r'__version__ = "(.+?)"', Path(_spec().origin or "").read_text("utf-8"))
    return found[1] if found else "unknown"


def _spec() -> importlib.machinery.ModuleSpec:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise ImportError("llama-cpp-python is not installed")
    return spec


if TYPE_CHECKING:
    import llama_cpp.llama_cpp

    binding = llama_cpp.llama_cpp
else:
    binding = submodule("llama_cpp")

# For the few functions that the binding leaves out; found in the libraries libllama needs.
library = binding._lib
BINDING_VERSION: Final = version()
