"""What goes wrong while models are looked for and fetched, in the running app."""

from __future__ import annotations

import asyncio
from pathlib import Path

from huggingface_hub import constants
from pytest import MonkeyPatch, fixture

from tests.hub import Fault, Hub
from tests.screens.bench import bench
from tests.screens.test_find import FIT, REPO, finding, hub, model, row_of, search
from tests.small_disk import small_disk
from tests.waiting import wait_until
from workbench.models.download import queue
from workbench.models.download.transfer import FLOOR_BYTES
from workbench.screens.find import screen as find_screen
from workbench.screens.find.screen import FindScreen
from workbench.screens.jump import JumpScreen

__all__ = ["hub", "model"]


@fixture
def slow(config_folder: Path) -> None:
    (config_folder / "config.toml").write_text("max_rate = 0.5\n")


async def test_what_is_typed_at_once_is_looked_for(hub: Hub) -> None:
    async with finding() as (b, screen):
        await b.pilot.press("slash", *"coder", "enter")
        await wait_until(lambda: [each.repo for each in screen.found] == [REPO], "what was typed")
        assert screen.field.value == "coder"
        assert screen.choice.sort == 0


async def test_words_that_are_typed_before_the_hub_answers_stay_words(hub: Hub) -> None:
    hub.faults.append(Fault("late", path="models?", seconds=1.0))
    async with bench() as b:
        await b.pilot.press("f12", *"coder")
        screen = b.app.screen
        assert isinstance(screen, FindScreen)
        await wait_until(lambda: screen.found, "an answer")
        assert screen.field.value == "coder"
        assert screen.field.has_focus
        await wait_until(lambda: [each.repo for each in screen.found] == [REPO], "what was typed")
        await b.pilot.press("down")
        await wait_until(lambda: screen.results.has_focus, "the list")


async def test_a_hub_that_was_out_of_reach_is_asked_again(
    hub: Hub, monkeypatch: MonkeyPatch
) -> None:
    hub.faults.append(Fault("status", path="models?", code=502, times=float("inf")))
    async with bench() as b:
        await b.pilot.press("f12")
        screen = b.app.screen
        assert isinstance(screen, FindScreen)
        await wait_until(lambda: "Enter does it now" in screen.state, "a word on it")
        await b.pilot.press("enter")
        await wait_until(lambda: "r does it now" in screen.state, "the key that works there")
        monkeypatch.setattr(find_screen, "_AGAIN_SECONDS", 0.2)
        await b.pilot.press("r")
        await wait_until(lambda: "Asking" in screen.state, "another question")
        hub.faults.clear()
        await wait_until(lambda: screen.found, "what is there")
        assert not screen.state


async def test_an_address_that_is_none_is_looked_for_as_words(hub: Hub) -> None:
    async with finding() as (b, screen):
        await search(b, screen, "http://[x/y")
        assert "Nothing was found" in screen.state


async def test_a_rate_limit_on_a_later_page_is_kept(hub: Hub) -> None:
    async with finding() as (b, screen):
        hub.faults += [Fault("status", "cursor", times=9, code=429, headers={"Retry-After": "300"})]
        await b.pilot.press("end")
        await wait_until(lambda: "300" in screen.state, "a word on it")
        n_asked = len(hub.asked)
        await b.pilot.press(*["up", "down"] * 3)
        assert [each for each in hub.asked[n_asked:] if "cursor" in each.path] == []
        hub.faults.clear()
        await b.pilot.press("r")
        await wait_until(lambda: len(screen.found) == 47, "the second page")


async def test_a_file_that_is_no_model_is_fetched_only_if_one_insists(hub: Hub) -> None:
    async with finding(text="Chat-07") as (b, screen):
        await b.pilot.press("enter")
        broken = ("other/Chat-07-GGUF", "x-Q4_0")
        await wait_until(lambda: broken in screen.fits, "what its header says")
        await b.pilot.pause()
        assert "broken" in row_of(screen, "x-Q4_0")
        await b.pilot.press("enter")
        assert any("no model that can be loaded" in each for each in b.toasts())
        assert not b.screen.downloads


async def test_a_fit_that_did_not_come_can_be_asked_for_again(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        hub.faults += [Fault("cut", path="resolve/", times=9)]
        await b.pilot.press("enter")
        await wait_until(lambda: FIT in screen.fits, "an answer")
        assert screen.fits[FIT].problem
        hub.faults.clear()
        await b.pilot.press("r")
        await wait_until(lambda: FIT in screen.fits and screen.fits[FIT].fit, "the fit")


async def test_jump_mode_goes_anywhere(hub: Hub) -> None:
    async with finding() as (b, screen):
        jump = await b.opened(JumpScreen, "f5")
        # The field, and every row.
        assert len(jump.letters) > 20
        await b.pilot.press(jump.letters[0])
        await wait_until(lambda: b.app.screen is screen, "the find screen")
        await wait_until(lambda: screen.field.has_focus, "the field")


async def test_a_network_that_goes_away_is_waited_for(hub: Hub, slow: None) -> None:
    async with finding(text="coder") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: FIT in screen.fits, "the fit")
        # Some of it comes, then nothing.
        gone = Fault("reset", path="Q4_K_M", times=float("inf"))
        hub.faults += [Fault("reset", path="Q4_K_M", after=300_000), gone]
        await b.pilot.press("enter")
        await wait_until(lambda: any("was lost" in each for each in b.toasts()), "a word on it")
        assert b.screen.downloads[0].done
        # Whoever leaves now hears of it once; staying is the answer here.
        await b.pilot.press("ctrl+q")
        await wait_until(lambda: any("once more leaves" in each for each in b.toasts()), "a word")
        assert b.app.is_running
        hub.faults.clear()
        await wait_until(lambda: "●" in row_of(screen, "Q4_K_M"), "the model")


async def test_a_full_disk_is_waited_for_and_loses_nothing(
    hub: Hub, slow: None, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_ROOM_SECONDS", 0.5)
    with small_disk(tmp_path / "disk", FLOOR_BYTES + 40_000_000) as disk:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(disk))
        async with finding(text="coder") as (b, screen):
            await b.pilot.press("enter")
            await wait_until(lambda: screen.variant, "the files")
            await b.pilot.press("enter")
            await wait_until(
                lambda: b.screen.downloads and b.screen.downloads[0].done, "some bytes"
            )
            ballast = disk / "ballast"
            await asyncio.to_thread(ballast.write_bytes, bytes(40_000_000))
            await wait_until(lambda: any("of room" in each for each in b.toasts()), "a word on it")
            assert b.screen.downloads[0].state == "waiting"
            ballast.unlink()
            await wait_until(lambda: "●" in row_of(screen, "Q4_K_M"), "the model")
