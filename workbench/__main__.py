"""``workbench`` and ``python -m workbench``."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from workbench.cli import workbench

    workbench(prog_name="workbench")


if __name__ == "__main__":
    main()
