"""Which quantisation: ``python -m workbench.models.pocket.compare --work FOLDER``.

Exports a checkpoint in several, and evaluates each. Needs the extra ``train``.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Final

import gguf

from workbench.models.pocket import export
from workbench.models.pocket.evaluate import measured
from workbench.models.pocket.network import Shape

_KINDS: Final = (
    gguf.GGMLQuantizationType.F16,
    gguf.GGMLQuantizationType.Q8_0,
    gguf.GGMLQuantizationType.Q5_0,
    gguf.GGMLQuantizationType.Q4_0,
)
_SHOWN: Final = ("file", "perplexity", "right topic", "tokens/s")


def main() -> None:
    """Print a table, a column for each quantisation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--every", type=int, default=4, help="ask every n-th held-out wording")
    arguments = parser.parse_args()
    columns: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in _KINDS:
            file = Path(folder) / f"{kind.name}.gguf"
            export.export(arguments.work, file, Shape(), kind)
            figures, _ = asyncio.run(measured(file, arguments.every))
            columns.append(
                {each.name: each.value for each in figures if each.name.startswith(_SHOWN)}
            )
    print("| figure | " + " | ".join(kind.name for kind in _KINDS) + " |")
    print("|---" * (len(_KINDS) + 1) + "|")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


if __name__ == "__main__":
    main()
