from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from workbench.sessions.writer import Writer, is_alive


def test_a_writer_is_alive_until_it_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "writers"
    with closing(Writer(folder)) as one, closing(Writer(folder)) as other:
        assert one.name != other.name
        assert is_alive(folder, one.name)
        assert is_alive(folder, other.name)
        one.close()
        assert not is_alive(folder, one.name)
        assert is_alive(folder, other.name)
    assert list(folder.iterdir()) == []
    assert not is_alive(folder, "never was")
    assert not is_alive(folder, "")
    assert not is_alive(tmp_path / "nowhere", "never was")


def test_a_writer_dies_with_its_process_and_is_swept_up(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from workbench.sessions.writer import Writer\n"
        "writer = Writer(Path(sys.argv[1]))\n"
        "print(writer.name, flush=True)\n"
        "sys.stdin.read()\n"
    )
    folder = tmp_path / "writers"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert is_alive(folder, name)
        process.kill()
        process.wait()
        assert [each.name for each in folder.iterdir()] == [name]
        with closing(Writer(folder)) as other:
            assert [each.name for each in folder.iterdir()] == [other.name]
    assert not is_alive(folder, name)
