"""The models of this machine under a person's hands, in the running app."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gguf_files import random_model
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.models import marks
from workbench.models.gguf import read_header
from workbench.models.pocket import MODEL_FILE
from workbench.screens.metadata import MetadataScreen
from workbench.screens.removing import RemovalScreen
from workbench.settings import paths


@pytest.fixture
def folder(home: Path, config_folder: Path) -> Iterator[Path]:
    """A folder of models that the configuration names."""
    made = home / "my models"
    made.mkdir()
    (config_folder / "config.toml").write_text(f"model_folders = [{json.dumps(str(made))}]")
    shutil.copy(MODEL_FILE, made / "mine-Q8_0.gguf")
    random_model(made / "other-F16.gguf", layers=1, width=64, heads=2, forward=64)
    yield made


async def listed(b: Bench, *names: str) -> None:
    await wait_until(lambda: sorted(b.screen.browser.names) == sorted(names), f"{names} in a list")


async def at(b: Bench, name: str) -> None:
    """Go to a model in the list."""
    if not b.screen.browser.models.has_focus:
        await b.pilot.press("f2")
    path = next(each.path for each in b.screen.browser._models if each.name == name)
    b.screen.browser.go_to(path)
    await b.pilot.pause()


async def test_all_models_are_listed_with_what_their_files_say(folder: Path) -> None:
    (folder / "torn.gguf").write_bytes(MODEL_FILE.read_bytes()[:-1])
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16", "torn")
        await at(b, "mine-Q8_0")
        size = str(read_header(MODEL_FILE).metadata["general.size_label"])
        await wait_until(lambda: size in b.screen.browser.detail_text, "the parameters")
        detail = b.screen.browser.detail_text.split()
        assert {"llama", "Q8_0", "1,024", "models"} <= set(detail)
        await at(b, "torn")
        await wait_until(lambda: "missing" in b.screen.browser.detail_text, "the problem")
        assert "4 models" in str(b.screen.browser.border_subtitle)
    # The next start knows it at once.
    assert paths.model_facts().exists()


async def test_what_was_used_last_and_favourites_are_in_front(folder: Path) -> None:
    async with bench(folder / "other-F16.gguf") as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await wait_until(lambda: b.screen.browser.names[0] == "other-F16", "the used one in front")
        await at(b, "mine-Q8_0")
        assert "just now" not in b.screen.browser.detail_text
        await b.pilot.press("f")
        await wait_until(lambda: b.screen.browser.names[0] == "mine-Q8_0", "the favourite in front")
        assert b.screen.browser.model is not None
        assert b.screen.browser.model.name == "mine-Q8_0"
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await wait_until(lambda: b.screen.browser.names[0] == "mine-Q8_0", "the favourite in front")
        await at(b, "mine-Q8_0")
        await b.pilot.press("f")
        await wait_until(lambda: not marks.load(paths.model_marks()).favourites, "none any more")


async def test_a_filter_finds_a_model_and_esc_lists_all(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await b.pilot.press("f2")
        # In one piece, as over a slow line: the f is no favourite.
        b.at_once("slash", "f", "1", "6", "enter")
        await listed(b, "other-F16")
        await wait_until(lambda: b.screen.browser.models.has_focus, "the list")
        assert not marks.load(paths.model_marks()).favourites
        await b.pilot.press("escape")
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        assert b.screen.browser.models.has_focus
        await b.pilot.press("slash", "x", "y")
        await listed(b)
        await b.pilot.press("escape")
        await listed(b, "pocket", "mine-Q8_0", "other-F16")


async def test_metadata_is_shown_whole_and_harmless(folder: Path) -> None:
    evil = {"general.description": "a\x1b[2J[bold]b", "general.author": "long " * 1000}
    random_model(
        folder / "evil.gguf", layers=1, width=64, heads=2, forward=64, metadata=evil,
        template="{# <x> #}{% for message in messages %}[red]{% endfor %}",
    )  # fmt: skip
    async with bench() as b:
        await wait_until(lambda: "evil" in b.screen.browser.names, "the model")
        await at(b, "evil")
        screen = await b.opened(MetadataScreen, "i")
        await wait_until(lambda: "general.description" in screen.sheet.text, "the keys")
        for part in ("a[2J[bold]b", "[red]{% endfor %}", "blk.0.attn_q.weight", "F16", "bos"):
            assert part in screen.sheet.text, part
        assert "\x1b" not in screen.sheet.text
        assert max(map(len, screen.sheet.text.split("\n"))) <= screen.sheet.size.width
        await b.pilot.press("G")
        await b.pilot.pause()
        assert screen.sheet.scroll_offset.y > 0
        await b.pilot.press("escape")
        assert b.app.screen is b.screen


async def test_of_endless_metadata_the_beginning_is_shown(folder: Path) -> None:
    many: dict[str, str | int | float] = {"general.description": "first\nsecond"}
    many.update({f"some.key.{number}": number for number in range(1200)})
    random_model(
        folder / "much.gguf", layers=1, width=64, heads=2, forward=64, metadata=many,
        template="{# words #}\n" * 10_000,
    )  # fmt: skip
    async with bench() as b:
        await wait_until(lambda: "much" in b.screen.browser.names, "the model")
        await at(b, "much")
        screen = await b.opened(MetadataScreen, "i")
        await wait_until(lambda: "Tensors: " in screen.sheet.text, "the whole")
        n_keys = len(read_header(folder / "much.gguf").metadata)
        for part in (
            f"{n_keys:,} keys", f"… and {n_keys - 1001} more keys", "first⏎second",
            f"… and {len('{# words #}n' * 10_000) - 65_536:,} more characters",
        ):  # fmt: skip
            assert part in screen.sheet.text, part
        # It is laid out anew for another width, and one stays where one is.
        await b.pilot.press("pagedown")
        row = screen.sheet.scroll_offset.y
        before = screen.sheet.text
        await b.pilot.resize_terminal(80, 24)
        await wait_until(lambda: screen.sheet.text != before, "other lines")
        assert max(map(len, screen.sheet.text.split("\n"))) <= screen.sheet.size.width
        assert screen.sheet.scroll_offset.y == row > 0


async def test_metadata_that_cannot_be_read_says_why(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        (folder / "mine-Q8_0.gguf").write_bytes(b"\x1b]0;no model")
        screen = await b.opened(MetadataScreen, "i")
        await wait_until(lambda: "cannot be read: it is not a GGUF" in screen.sheet.text, "why")
        await b.pilot.press("i")
        assert b.app.screen is b.screen


async def test_a_file_is_held_against_its_checksum(folder: Path) -> None:
    (folder / "torn.gguf").write_bytes(MODEL_FILE.read_bytes()[:-1])
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16", "torn")
        await at(b, "mine-Q8_0")
        await b.pilot.press("v")
        await wait_until(lambda: "unknown" in b.screen.browser.detail_text, "the outcome")
        assert any("is whole" in toast for toast in b.toasts())
        await at(b, "torn")
        await b.pilot.press("v")
        await wait_until(lambda: any("is missing" in toast for toast in b.toasts()), "the problem")
        assert not b.screen.browser.status_text


async def test_a_copy_is_no_model_of_its_own(folder: Path) -> None:
    shutil.copy(folder / "mine-Q8_0.gguf", folder / "copy-Q8_0.gguf")
    async with bench() as b:
        await listed(b, "pocket", "copy-Q8_0", "other-F16")
        await at(b, "copy-Q8_0")
        assert "also in" in b.screen.browser.detail_text
        # What a check has found tells them from one another for good.
        await b.pilot.press("v")
        await wait_until(lambda: "unknown" in b.screen.browser.detail_text, "the outcome")
    assert 'hashes":["' in paths.model_facts().read_text()


async def test_no_check_asks_to_remove_what_is_of_use(folder: Path) -> None:
    shutil.copy(MODEL_FILE, folder / "split-00001-of-00002.gguf")
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16", "split")
        await at(b, "split")
        await b.pilot.press("v")
        await wait_until(lambda: any("1 part missing" in each for each in b.toasts()), "the parts")
        assert "checksum wrong" in " ".join(b.screen.browser.detail_text.split())
        # A disk that is gone.
        (folder / "mine-Q8_0.gguf").unlink()
        await at(b, "mine-Q8_0")
        await b.pilot.press("v")
        await wait_until(lambda: any("cannot be read" in each for each in b.toasts()), "the disk")
        assert "checksum not read" in " ".join(b.screen.browser.detail_text.split())
        assert not any("Remove" in each for each in b.toasts())


async def test_a_removal_is_asked_for_and_can_be_taken_back(folder: Path) -> None:
    file = folder / "mine-Q8_0.gguf"
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        asked = await b.opened(RemovalScreen, "delete")
        assert f"{MODEL_FILE.stat().st_size / 1e6:.1f} MB become free" in asked.text
        assert str(file) in asked.text
        await b.pilot.press("escape")
        await b.pilot.press("delete")
        await wait_until(lambda: isinstance(b.app.screen, RemovalScreen), "a question")
        await b.pilot.press("enter")
        await listed(b, "pocket", "other-F16")
        assert "u undo" in b.screen.browser.status_text
        await b.pilot.press("u")
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        assert b.screen.browser.model is not None
        assert b.screen.browser.model.name == "mine-Q8_0"
        assert file.exists()
        await b.pilot.press("delete")
        await wait_until(lambda: isinstance(b.app.screen, RemovalScreen), "a question")
        await b.pilot.press("enter")
        await listed(b, "pocket", "other-F16")
        assert file.exists()
    # Leaving carries it out.
    assert not file.exists()


async def test_a_removal_is_carried_out_after_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.screens.library._REGRET_SECONDS", 0.1)
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        await b.pilot.press("delete")
        await wait_until(lambda: isinstance(b.app.screen, RemovalScreen), "a question")
        await b.pilot.press("enter")
        await wait_until(lambda: not (folder / "mine-Q8_0.gguf").exists(), "the removal")
        await listed(b, "pocket", "other-F16")
        await b.pilot.press("u")
        assert any("no removal" in toast for toast in b.toasts())


async def test_a_removal_leaves_the_cursor_and_the_app_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.screens.library._REGRET_SECONDS", 0.6)
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        await b.pilot.press("delete")
        await wait_until(lambda: isinstance(b.app.screen, RemovalScreen), "the question")
        await b.pilot.press("enter")
        await listed(b, "pocket", "other-F16")
        await at(b, "pocket")
        await wait_until(lambda: not (folder / "mine-Q8_0.gguf").exists(), "the removal")
        await wait_until(lambda: len(b.screen.browser.listed) == 2, "another list")
        assert b.screen.browser.model is not None
        assert b.screen.browser.model.name == "pocket"
        # One that is in use when its time has come stays.
        await at(b, "other-F16")
        await b.pilot.press("delete")
        await wait_until(lambda: isinstance(b.app.screen, RemovalScreen), "the question")
        await b.pilot.press("enter")
        await b.screen.use_model(folder / "other-F16.gguf")
        await wait_until(lambda: any("in use by now" in each for each in b.toasts()), "a word")
        await listed(b, "pocket", "other-F16")
        await b.idle()
    assert (folder / "other-F16.gguf").exists()


async def test_words_are_found_in_the_metadata(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        screen = await b.opened(MetadataScreen, "i")
        await b.pilot.press("slash", *"ATTN_", "enter")
        await wait_until(lambda: screen.sheet.found[1], "the words")
        number, of = screen.sheet.found
        assert (number, of > 3) == (1, True)
        assert screen.sheet.scroll_offset.y > 0
        await b.pilot.press("n", "n")
        assert screen.sheet.found == (3, of)
        await b.pilot.press("N")
        assert str(screen.bar.count.content) == f"2 of {of}"
        await b.pilot.press("escape")
        assert not screen.bar.display
        assert screen.sheet.found == (0, 0)
        await b.pilot.press("escape")
        assert b.app.screen is b.screen


async def test_a_key_acts_on_the_model_that_was_under_the_cursor(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        b.at_once("f", "j", "j")
        await wait_until(lambda: marks.load(paths.model_marks()).favourites, "the favourite")
        assert "mine-Q8_0" in str(marks.load(paths.model_marks()).favourites)


async def test_who_has_gone_on_is_not_asked_what_is_to_be_removed(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        b.at_once("delete", "j")
        await wait_until(lambda: any("once more" in toast for toast in b.toasts()), "a sentence")
        assert b.app.screen is b.screen
        assert b.screen.browser.model is not None
        assert b.screen.browser.model.name != "mine-Q8_0"


async def test_a_load_that_ends_leaves_one_on_the_way_to_another_model(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        b.at_once("enter", "j")
        await wait_until(lambda: b.says("mine-Q8_0 loaded in"), "the model")
        await b.idle()
        assert b.screen.browser.models.has_focus


async def test_what_cannot_be_removed_is_said(folder: Path) -> None:
    async with bench(folder / "other-F16.gguf") as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "pocket")
        await b.pilot.press("delete")
        await wait_until(lambda: any("built-in" in toast for toast in b.toasts()), "a sentence")
        await at(b, "other-F16")
        await b.pilot.press("delete")
        await wait_until(lambda: any("is in use" in toast for toast in b.toasts()), "a sentence")
        assert b.app.screen is b.screen


async def test_a_model_that_was_named_by_another_way_is_in_use_too(
    folder: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    async with bench(link / "other-F16.gguf") as b:
        await wait_until(lambda: b.screen.model_is_loaded, "the model")
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "other-F16")
        await b.pilot.press("delete")
        await wait_until(lambda: any("is in use" in toast for toast in b.toasts()), "a sentence")
        assert (folder / "other-F16.gguf").exists()


async def test_the_path_is_copied(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "mine-Q8_0")
        await b.pilot.press("y")
        assert b.app.clipboard == str(folder / "mine-Q8_0.gguf")


async def test_a_load_is_shown_and_esc_stops_it(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "other-F16")
        # The engine learns of the wish and of its end at once.
        os.kill(b.engine_pid, signal.SIGSTOP)
        await b.pilot.press("enter")
        await b.phase("loading")
        await wait_until(lambda: "Esc stops" in b.screen.browser.status_text, "a word on it")
        await b.pilot.press("escape")
        os.kill(b.engine_pid, signal.SIGCONT)
        await b.idle()
        assert not b.screen.browser.status_text
        assert "other-F16 loaded" not in b.said
        # If the engine has let go of the former model, that one is not marked any more.
        loaded = b.screen.browser._loaded
        assert loaded in (None, MODEL_FILE)
        await b.pilot.press("escape")
        b.screen.parameters.set("max_tokens", 3)
        await b.ask("Hello!")
        await b.idle()
        assert b.screen.browser._loaded == MODEL_FILE


async def test_leaving_removes_nothing_that_is_in_use_by_then(folder: Path) -> None:
    async with bench() as b:
        await listed(b, "pocket", "mine-Q8_0", "other-F16")
        await at(b, "other-F16")
        await b.opened(RemovalScreen, "delete")
        await b.pilot.press("enter")
        await listed(b, "pocket", "mine-Q8_0")
        await b.screen.use_model(folder / "other-F16.gguf")
        await b.phase("loading")
        await b.idle()
    assert (folder / "other-F16.gguf").exists()
