"""The metadata of huge files: ``python -m tests.benchmarks.metadata``.

Prints how soon files that are made to be a burden are shown, and for how long the interface was
held meanwhile: a task that wants to run every millisecond says by how much it was late.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import ClassVar, Final

from textual.app import App

from workbench.models.model_file import ModelFile
from workbench.screens.metadata import MetadataScreen

_MIB: Final = 2**20
_BEAT_SECONDS: Final = 0.001
# What is said once there is no more to come.
_ENDS: Final = ("Tensors: ", "cannot be read")
_TEMPLATE: Final = "{% for message in messages %}{{ message['content'] }}{% endfor %}\n"


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _key(key: str, text: str) -> bytes:
    return _text(key) + struct.pack("<I", 8) + _text(text)


def _tokens(count: int) -> bytes:
    told = _text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, count)
    return told + _text("token!") * count


def _tensor(name: str) -> bytes:
    return _text(name) + struct.pack("<IQQIQ", 2, 64, 64, 0, 0)


def _header(keys: Sequence[bytes], tensors: Sequence[bytes]) -> bytes:
    counts = struct.pack("<IQQ", 3, len(tensors), len(keys))
    return b"".join((b"GGUF", counts, *keys, *tensors))


def _wide() -> bytes:
    keys = [_key("general.architecture", "llama"), _tokens(300_000)]
    keys.append(_key("tokenizer.chat_template", _TEMPLATE * 2000))
    keys += [_key(f"a.key.of.many.{number}", "a value " * 10) for number in range(100_000)]
    return _header(keys, [_tensor(f"blk.{number}.weight") for number in range(50_000)])


def _long() -> bytes:
    keys = [_key("general.architecture", "llama"), _tokens(500 * _MIB // 14)]
    return _header(keys, [_tensor("output.weight")])


def _crowded() -> bytes:
    return _header([], [_tensor(f"blk.{number:09}") for number in range(500 * _MIB // 50)])


_FILES: Final[Sequence[tuple[str, Callable[[], bytes]]]] = (
    ("300,000 tokens, 100,000 keys, 50,000 tensors", _wide),
    ("a header of 500 MiB, all tokens", _long),
    ("a header of 500 MiB, all tensors", _crowded),
)


class _App(App[None]):
    """Nothing but the screen."""

    CSS_PATH: ClassVar[str] = "../../workbench/screens/library.tcss"


async def _shown(file: Path) -> tuple[float, float]:
    """Seconds until it is shown, or what is wrong with it; and those that all else waited."""
    app = _App()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        screen = MetadataScreen(ModelFile(path=file, name=file.stem, source="", size=0))
        started = last = perf_counter()
        longest = 0.0
        app.push_screen(screen)
        while not (screen.is_mounted and any(end in screen.sheet.text for end in _ENDS)):
            await asyncio.sleep(_BEAT_SECONDS)
            now = perf_counter()
            longest = max(longest, now - last - _BEAT_SECONDS)
            last = now
        return last - started, longest


def _main() -> None:
    print(f"{'':48}{'shown after s':>16}{'held for ms':>14}")
    for name, made in _FILES:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "burden.gguf"
            file.write_bytes(made())
            took, held = asyncio.run(_shown(file))
        print(f"{name:48}{took:16.2f}{held * 1000:14.0f}")


if __name__ == "__main__":
    _main()
