"""What a file says of itself, where the file is made to be a burden."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from time import perf_counter, thread_time

import pytest

from tests.gguf_files import random_model
from tests.screens.bench import bench
from tests.waiting import wait_until
from workbench.models.model_file import ModelFile
from workbench.screens import contents
from workbench.screens.contents import Contents
from workbench.screens.metadata import MetadataScreen


def templated(template: str) -> Contents:
    return Contents(
        version=3, n_keys=1, keys=(("general.name", "burden"),), types=(),
        n_template=len(template), template=template,
        n_tokens=0, tokens=(), special=(), n_tensors=0, tensors=(),
    )  # fmt: skip


@pytest.mark.parametrize("piece", ["{#", "{{", '{{"', "{% ", "<a ", "{{a", "{#\n", "{%comment%}"])
def test_no_template_holds_up_who_reads_it(piece: str) -> None:
    template = piece * (64_000 // len(piece))
    started = thread_time()
    lines = contents.lines_of(templated(template), 100)
    assert thread_time() - started < 3
    shown = "".join(line.plain for line in lines)
    assert "".join(template.split()) in "".join(shown.split())


def test_a_template_is_in_colours() -> None:
    lines = contents.lines_of(templated("{# words #}\n{% if a %}{{ 'b' }}{% endif %}\n" * 200), 100)
    assert sum(bool(line.spans) for line in lines if "{%" in line.plain) == 200


# ---- while it is read and laid out ---------------------------------------------------------


def shown(file: Path) -> MetadataScreen:
    return MetadataScreen(ModelFile(path=file, name="burden", source="", size=0))


def at_work() -> bool:
    return any(thread.name.startswith("metadata") for thread in threading.enumerate())


def let_go(file: Path) -> bool:
    """Open a pipe whose reader waits for somebody to write; False if nobody reads it yet."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


async def test_whatever_goes_wrong_is_said() -> None:
    async with bench() as b:
        screen = shown(Path("no\0name.gguf"))
        await b.app.push_screen(screen)
        await wait_until(lambda: "cannot be read: embedded null" in screen.sheet.text, "why")
        await b.pilot.press("escape")
        assert b.app.screen is b.screen


async def test_an_error_without_words_has_its_name() -> None:
    async with bench() as b:
        screen = shown(Path("nothing.gguf"))
        await b.app.push_screen(screen)
        await wait_until(lambda: "No such file" in screen.sheet.text, "why")
        screen._give_up(MemoryError())
        await wait_until(lambda: "cannot be read: MemoryError." in screen.sheet.text, "the name")


@pytest.mark.parametrize("leaves", ["the screen", "the app"])
async def test_one_leaves_while_it_is_read(tmp_path: Path, leaves: str) -> None:
    pipe = tmp_path / "slow.gguf"
    os.mkfifo(pipe)
    try:
        async with bench() as b:
            screen = shown(pipe)
            await b.app.push_screen(screen)
            await wait_until(at_work, "the reader")
            assert "Reading its header" in screen.sheet.text
            if leaves == "the screen":
                await b.pilot.press("escape")
                assert b.app.screen is b.screen
        assert at_work()
    finally:
        await wait_until(lambda: let_go(pipe), "the reader at the file")
    await wait_until(lambda: not at_work(), "the reader's end")


@pytest.mark.parametrize("leaves", ["the screen", "the app"])
async def test_one_leaves_while_it_is_laid_out(tmp_path: Path, leaves: str) -> None:
    file = tmp_path / "burden.gguf"
    random_model(file, layers=1, width=64, heads=2, forward=64, template="{#" * 32_000)
    async with bench() as b:
        screen = shown(file)
        await b.app.push_screen(screen)
        await wait_until(lambda: screen._contents is not None, "what it says")
        if leaves == "the screen":
            await b.pilot.press("escape")
            assert b.app.screen is b.screen
    # Python itself ends no sooner than its threads.
    started = perf_counter()
    await wait_until(lambda: not at_work(), "the end of its thread")
    assert perf_counter() - started < 15
