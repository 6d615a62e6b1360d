"""``workbench`` and ``python -m workbench``."""

from __future__ import annotations

import os
from typing import Final

# Where they are empty, huggingface_hub takes the present folder for its cache and nothing for
# its address; by the XDG rules an empty one is none.
_NONE_IF_EMPTY: Final = ("XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT")


def main() -> None:
    """Run the command line."""
    for name in _NONE_IF_EMPTY:
        if os.environ.get(name) == "":
            del os.environ[name]
    from workbench.cli import workbench

    workbench(prog_name="workbench")


if __name__ == "__main__":
    main()
