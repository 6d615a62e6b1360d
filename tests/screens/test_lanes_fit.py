"""Models that do not fit beside each other are refused before an engine loads them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.screens.test_lanes import SHORT, done, lanes, opened, said, send
from tests.screens.test_lanes_set import children, type_settings
from tests.waiting import wait_until
from workbench.engine.client import EngineClient
from workbench.engine.protocol import ModelSource
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Values
from workbench.screens.lanes.engines import Engines
from workbench.settings import paths

# Its context takes half a terabyte, whatever the model.
_LARGE: Values = {"n_ctx": 2**24, "cache_type_k": "f32", "cache_type_v": "f32"}


async def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    huge = tmp_path / "huge.gguf"
    with huge.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(2**43)
    async with opened() as b:
        await type_settings(b, f"model={huge}")
        await send(b, "Hello!")
        assert not lanes(b).answering
        assert lanes(b).prompt.text == "Hello!"
        assert any("does not fit" in toast for toast in b.toasts()), b.toasts()


async def test_a_context_that_does_not_fit_is_refused_too(slow_model: Path) -> None:
    async with opened(SHORT, slow_model) as b:
        # Half a terabyte.
        await type_settings(b, "n_ctx=16777216, cache_type_k=f32, cache_type_v=f32")
        await send(b, "Hello!")
        assert not lanes(b).answering
        assert len(children()) == 1
        [toast] = [toast for toast in b.toasts() if "does not fit" in toast]
        # The weights are there already.
        assert re.search(r"would take ([\d.]+ GB), \1 of it for 16,777,216 tokens, and", toast)
        # A context that does is no matter.
        await type_settings(b, "n_ctx=512")
        await b.pilot.press("enter")
        await wait_until(lambda: len(children()) == 2, "the other engine")
        await done(b)


async def test_where_a_gpu_may_hold_it_the_context_is_not_counted(slow_model: Path) -> None:
    client = EngineClient(paths.engine_log())
    source = ModelSource.of(slow_model)
    engines = Engines(client, source, lambda: EngineClient(paths.engine_log()), has_gpus=True)
    await engines.fit([source, ModelSource.of(slow_model, _LARGE)])
    assert len(engines.others) == 1
    with pytest.raises(MemoryError, match="does not fit"):
        await engines.fit([source, ModelSource.of(slow_model, {**_LARGE, "n_gpu_layers": 0})])
    assert len(engines.others) == 1
    await engines.close()


async def test_a_header_is_read_once_for_each_state_of_its_file(
    tmp_path: Path, slow_model: Path
) -> None:
    file = tmp_path / "model.gguf"
    shutil.copy(slow_model, file)
    sources = [ModelSource.of(slow_model), ModelSource.of(file, _LARGE)]
    client = EngineClient(paths.engine_log())
    engines = Engines(client, sources[0], lambda: EngineClient(paths.engine_log()))
    with pytest.raises(MemoryError, match="does not fit"):
        await engines.fit(sources)
    # It could not be read any more, but is not looked into: its time and size are as before.
    stat = file.stat()
    with file.open("r+b") as opened_again:
        opened_again.write(b"none")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(MemoryError, match="does not fit"):
        await engines.fit(sources)
    # Of what makes no sense the context is not counted; llama.cpp says what is wrong with it.
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))
    await engines.fit(sources)
    assert len(engines.others) == 1
    await engines.close()


async def test_a_files_name_does_nothing_to_the_terminal(tmp_path: Path, slow_model: Path) -> None:
    huge = tmp_path / "x\x1b]0;pwn\x07y.gguf"
    with huge.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(2**43)
    async with opened() as b:
        lanes(b).lanes[0].use_model(huge)
        await send(b, "Hello!")
        fits_not = "x]0;pwny.gguf does not fit"
        await wait_until(lambda: any(fits_not in each for each in b.toasts()), "the toast")
        huge.unlink()
        await send(b, "Hello!")
        gone = "x]0;pwny.gguf: No such file"
        await wait_until(lambda: any(gone in each for each in b.toasts()), "the other toast")
        assert not any("\x1b" in each or "\x07" in each for each in b.toasts())


async def test_a_models_name_does_nothing_to_the_terminal_either(tmp_path: Path) -> None:
    evil = tmp_path / "x\x1b]0;pwn\x9cy.gguf"
    shutil.copy(MODEL_FILE, evil)
    async with opened(SHORT) as b:
        lanes(b).lanes[0].use_model(evil)
        await send(b, "Hello!")
        await done(b)
        head = lanes(b).lanes[0].column.head._lines[0].plain
        assert head == "x]0;pwny"
        assert "x]0;pwny" in said(b)[0]
        assert "\x1b" not in said(b)[0]
