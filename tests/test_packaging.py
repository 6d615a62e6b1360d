"""The wheel holds what the app needs, and the app finds it there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_is_complete(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        packed.extractall(tmp_path / "installed")
    wanted = {"workbench/models/pocket/pocket.gguf", "workbench/models/pocket/CARD.md"}
    wanted |= {f"workbench/themes/{file.name}" for file in (ROOT / "themes").iterdir()}
    for kind in ("tcss", "jinja"):
        wanted |= {str(file.relative_to(ROOT)) for file in ROOT.glob(f"workbench/**/*.{kind}")}
    assert wanted <= names
    assert not {name for name in names if name.startswith("tests")}

    script = (
        "from workbench.settings import paths, themes\n"
        "found, wrong = themes.load_folders([paths.shipped_themes()])\n"
        "print(paths.shipped_themes(), len(found), wrong)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.split()[0] == str(tmp_path / "installed" / "workbench" / "themes")
    assert answer.stdout.split()[1:] == [str(len(list((ROOT / "themes").iterdir()))), "{}"]
