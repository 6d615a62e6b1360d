"""All checks in one command: lint, format, types, import contracts, tests."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

CHECKS: Final = (
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("types", ["mypy"]),
    ("import contracts", ["lint-imports"]),
    ("tests", ["pytest"]),
)


def main() -> int:
    """Run every check, also after one has failed; returns 1 if any did."""
    root = Path(__file__).parent.parent
    scripts = Path(sysconfig.get_path("scripts"))
    failed = []
    for name, (tool, *arguments) in CHECKS:
        print(f"== {name}: {' '.join([tool, *arguments])}", flush=True)
        if subprocess.run([scripts / tool, *arguments], cwd=root, check=False).returncode:
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
