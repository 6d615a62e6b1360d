"""Finding, judging and fetching models in the running app, from a Hub on loopback."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests import hub as loopback
from tests.gguf_files import random_model
from tests.hub import Fault, Hub
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.models.hub.search import Page, Summary
from workbench.panes.lines import Lines
from workbench.screens.find.messages import DownloadWanted, Found
from workbench.screens.find.screen import FindScreen
from workbench.settings import paths

REPO = "owner/Tiny-Coder-GGUF"
FIT = (REPO, "Tiny-Coder-Q4_K_M")
CARD = (
    b"---\nlicense: mit\n---\n<p><img src=x alt='A picture'></p>\n\n# Tiny\n\n"
    b"It is **small**. \x1b[31m[red]\n"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model that is fetched and loaded at once."""
    file = tmp_path_factory.mktemp("hub") / "tiny.gguf"
    return random_model(file, layers=2, width=128, heads=2, forward=256).read_bytes()


@pytest.fixture
def hub(model: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {
        f"{REPO}/Tiny-Coder-Q4_K_M.gguf": model,
        f"{REPO}/Tiny-Coder-Q8_0.gguf": model + bytes(1_500_000),
        f"{REPO}/mmproj-F16.gguf": model[:4000],
        f"{REPO}/README.md": CARD,
        **{f"other/Chat-{number:02}-GGUF/x-Q4_0.gguf": b"GGUF" for number in range(45)},
        "shut/Gated-GGUF/gated-Q4_0.gguf": model,
    }
    with loopback.running(files) as running:
        running.described[REPO] = {
            "gguf": {"total": 1_100_000, "architecture": "llama", "context_length": 4096},
            "downloads": 12_345,
            "likes": 67,
            "tags": ["license:mit"],
        }
        running.gated.add("shut/Gated-GGUF")
        monkeypatch.setattr(constants, "ENDPOINT", running.endpoint)
        yield running


@asynccontextmanager
async def finding(
    size: tuple[int, int] = (120, 40), text: str = ""
) -> AsyncIterator[tuple[Bench, FindScreen]]:
    """The app with the find screen open, and what ``text`` finds listed."""
    async with bench(size=size) as b:
        screen = await b.opened(FindScreen, "f12")
        await wait_until(lambda: screen.found, "what is trending")
        assert screen.field.has_focus
        await b.pilot.press("down")
        await wait_until(lambda: screen.results.has_focus, "the list")
        if text:
            await search(b, screen, text)
        yield b, screen


async def search(b: Bench, screen: FindScreen, text: str) -> None:
    asked = screen.asked
    await b.pilot.press("slash")
    screen.field.value = text
    await b.pilot.press("enter")
    await wait_until(lambda: screen.asked > asked and (screen.found or screen.state), "an answer")
    await wait_until(lambda: "Asking" not in screen.state, "an answer")


def key_line(screen: FindScreen) -> dict[str, str]:
    """What the keys do that the line below names."""
    active = screen.active_bindings.values()
    return {each.binding.key: each.binding.description for each in active if each.binding.show}


def row_of(screen: FindScreen, name: str) -> str:
    option = next(each for each in screen.variants.options if name in str(each.id))
    return str(option.prompt)


async def test_from_a_wish_to_an_answer(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        assert [each.repo for each in screen.found] == [REPO]
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variant, "the files")
        assert screen.variant is not None
        # What most people take is under the cursor; llama.cpp's word takes the guess's place.
        assert screen.variant.quantisation == "Q4_K_M"
        await wait_until(lambda: (REPO, "Tiny-Coder-Q4_K_M") in screen.fits, "the exact fit")
        await b.pilot.pause()
        assert " fits" in row_of(screen, "Q4_K_M")
        assert "~fits" in row_of(screen, "Q8_0")
        assert "projector" in row_of(screen, "mmproj")
        fit = screen.fits[REPO, "Tiny-Coder-Q4_K_M"].fit
        assert fit is not None
        assert fit.exact
        assert fit.tps
        await wait_until(lambda: "It is small." in screen.card.text, "the card")
        assert "\x1b" not in screen.card.text
        assert "[red]" in screen.card.text
        assert "A picture" in screen.card.text
        assert "<" not in screen.card.text
        await b.pilot.press("enter")
        said = "Tiny-Coder-Q4_K_M is here: F2, then Enter loads it."
        await wait_until(lambda: said in b.toasts(), "the download")
        await wait_until(lambda: "●" in row_of(screen, "Q4_K_M"), "the mark")
        assert "Tiny-Coder-Q4_K_M" in b.screen.browser.names
        # Now Enter loads it, and says so.
        assert key_line(screen)["enter"] == "Load"
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.stats.text.startswith("Tiny-Coder-Q4_K_M"), "the model")
        await b.idle()
        assert b.app.screen is b.screen
        b.screen.parameters.set("max_tokens", 3)
        await b.ask("Hello!")
        await b.idle()
        assert b.screen.exchange.conversation.path()[-1].model == "Tiny-Coder-Q4_K_M"


async def test_pages_come_as_one_goes_down(hub: Hub) -> None:
    async with finding() as (b, screen):
        await wait_until(lambda: len(screen.found) == 30, "the first page")
        await b.pilot.press("end")
        await wait_until(lambda: len(screen.found) == 47, "the second page")
        assert screen.results.chosen == screen.found[29].repo
        n_asked = len(hub.asked)
        await b.pilot.press("end")
        await b.pilot.pause()
        assert not [each for each in hub.asked[n_asked:] if "cursor" in each.path]


async def test_what_is_typed_narrows_and_keys_choose(hub: Hub) -> None:
    async with finding() as (b, screen):
        for text, repos in (
            ("author:shut", ["shut/Gated-GGUF"]),
            ("nothing of the kind", []),
            (f"{hub.endpoint}/{REPO}/blob/main/Tiny-Coder-Q8_0.gguf", [REPO]),
            (f"{REPO}:Q8_0", [REPO]),
        ):
            await search(b, screen, text)
            assert [each.repo for each in screen.found] == repos, text
        await wait_until(lambda: screen.variant, "the files")
        assert screen.variant is not None
        assert screen.variant.quantisation == "Q8_0"
        await search(b, screen, "gguf")
        asked = screen.asked
        await b.pilot.press("o", "b", "t")
        await wait_until(lambda: screen.asked > asked and screen.found, "another search")
        last = [each.path for each in hub.asked if each.path.startswith("/api/models?")][-1]
        for part in ("sort=downloads", "num_parameters=max%3A2B", "gated=false"):
            assert part in last
        assert "downloads, up to 2B, not gated" in str(
            screen.query_one("#find-results").border_subtitle
        )


async def test_what_narrows_the_search_is_said_and_panes_are_a_key_away(hub: Hub) -> None:
    async with finding() as (b, screen):
        assert not screen.choice.is_narrow
        await b.pilot.press("b")
        await wait_until(lambda: "of trending, up to 2B" in screen.state or screen.found, "models")
        await b.pilot.press(*"tt")
        await search(b, screen, "coder")
        await wait_until(lambda: "gated: b and t choose others" in screen.state, "why nothing")
        await b.pilot.press("f2")
        await wait_until(lambda: b.app.screen is b.screen, "the workbench")
        await wait_until(lambda: b.screen.browser.models.has_focus, "the models")


async def test_old_answers_are_dropped(hub: Hub) -> None:
    async with finding() as (b, screen):
        hub.faults.append(Fault("late", path="search=slow", seconds=1.0))
        await b.pilot.press("slash")
        screen.field.value = "slow"
        await wait_until(lambda: any("search=slow" in each.path for each in hub.asked), "the wish")
        await search(b, screen, "coder")
        assert [each.repo for each in screen.found] == [REPO]
        # Neither one that comes when its worker is over, nor one that was on its way by then.
        hub.over.set()
        late = Page((Summary("other/Chat-00-GGUF"),))
        screen.post_message(Found(screen.asked - 1, late))
        await b.pilot.pause()
        assert [each.repo for each in screen.found] == [REPO]
        screen.post_message(Found(screen.asked, late))
        await wait_until(lambda: len(screen.found) == 2, "an answer that is wanted")


async def test_a_revision_that_was_pasted_is_said_and_meant_once(hub: Hub) -> None:
    async with finding() as (b, screen):
        facts = screen.query_one("#find-facts", Lines)
        for text, revision in (
            (f"{hub.endpoint}/{REPO}/blob/{hub.head}/Tiny-Coder-Q8_0.gguf", hub.head),
            ("coder", "main"),
        ):
            await search(b, screen, text)
            await wait_until(lambda: screen.variant, "the files")
            assert screen.revision(REPO) == revision
            said = " ".join(facts.render_line(row).text for row in range(facts.size.height))
            assert (f"As it was at {hub.head}" in said) == (revision == hub.head)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            Fault("status", path="models?", code=429, headers={"Retry-After": "17"}),
            "wait 17 seconds",
        ),
        (Fault("page", path="models?"), "perhaps a proxy"),
        (Fault("status", path="models?", code=502, times=2), "cannot answer now"),
    ],
)
async def test_a_hub_out_of_reach_is_a_state(hub: Hub, fault: Fault, words: str) -> None:
    async with finding() as (b, screen):
        hub.faults.append(fault)
        await search(b, screen, "coder")
        assert words in screen.state
        assert not screen.found
        await b.pilot.press("r")
        await wait_until(lambda: screen.found, "another try")
        assert not screen.state


async def test_narrow_screens_give_the_whole_width_at_once(hub: Hub, config_folder: Path) -> None:
    slowly(config_folder, 0.05)
    async with finding((80, 24), "coder") as (b, screen):
        await wait_until(lambda: FIT in screen.fits, "the exact fit")
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variants.has_focus, "the files")
        await b.pilot.pause()
        assert "t/s" in row_of(screen, "Q4_K_M")
        facts = screen.query_one("#find-facts", Lines)
        assert facts.render_line(0).text.rstrip().endswith("mit")
        # What is shown of the queue began while it was hidden, here and below.
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.downloads, "a download")
        await b.pilot.press("escape")
        await wait_until(lambda: screen.results.has_focus, "the list")
        await wait_until(lambda: "MB/s" in str(screen.downloads.options[0].prompt), "its speed")
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the workbench")
        b.screen.post_message(DownloadWanted("pause", b.screen.downloads[0].id))
        await wait_until(lambda: b.screen.downloads[0].state == "paused", "a pause")
        await b.pilot.press("f2")
        await wait_until(lambda: "paused" in b.screen.browser.status_text, "its state")
        assert "Tiny-Coder-Q4_K_M" in b.screen.browser.status_text


async def test_narrow_screens_show_one_at_a_time(hub: Hub) -> None:
    async with finding((80, 24), "coder") as (b, screen):
        assert screen.results.is_on_screen
        assert not screen.variants.is_on_screen
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variants.has_focus and screen.variant, "the files")
        assert not screen.results.is_on_screen
        await b.pilot.press("escape")
        await wait_until(lambda: screen.results.has_focus, "the list")
        await b.pilot.press("escape")
        await wait_until(lambda: b.app.screen is b.screen, "the workbench")


def slowly(config_folder: Path, rate: float) -> None:
    (config_folder / "config.toml").write_text(f"max_rate = {json.dumps(rate)}\n")


async def test_downloads_go_on_while_one_chats_and_are_ordered(
    hub: Hub, config_folder: Path
) -> None:
    slowly(config_folder, 0.2)
    async with finding(text="coder") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variant, "the files")
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.downloads, "a download")
        await b.pilot.press("down", "enter")
        await wait_until(lambda: len(b.screen.downloads) == 2, "two downloads")
        await wait_until(lambda: b.screen.downloads[0].state == "running", "the first at work")
        assert "↓" in row_of(screen, "Q8_0")
        first, second = (each.id for each in b.screen.downloads)
        await b.pilot.press("d")
        await wait_until(lambda: screen.downloads.has_focus, "the queue")
        await b.pilot.press("down", "K")
        await wait_until(
            lambda: [each.id for each in b.screen.downloads] == [second, first], "another order"
        )
        await b.pilot.press("down")
        assert key_line(screen)["space"] == "Pause"
        assert "enter" not in key_line(screen)
        await b.pilot.press("space")
        await wait_until(lambda: b.screen.downloads[1].state == "paused", "a pause")
        await wait_until(lambda: "‖" in str(screen.downloads.options[1].prompt), "its sign")
        await b.pilot.pause()
        assert key_line(screen)["enter"] == "Go on"
        await b.pilot.press("up", "delete")
        assert any("once more cancels Tiny-Coder-Q" in toast for toast in b.toasts())
        await b.pilot.press("delete")
        await wait_until(lambda: [each.id for each in b.screen.downloads] == [first], "one less")
        await b.pilot.press("space")
        await wait_until(lambda: b.screen.downloads[0].state == "running", "it goes on")
        await b.pilot.press("escape", "escape")
        await wait_until(lambda: b.app.screen is b.screen, "the workbench")
        b.screen.parameters.set("max_tokens", 3)
        await b.ask("Hello!")
        await b.idle()
        await wait_until(lambda: "MB/s" in b.screen.browser.status_text, "a line of it")
    # It is taken up by the next start.
    assert list(paths.downloads().glob("*.json"))
    slowly(config_folder, 100.0)
    async with bench() as b:
        await wait_until(lambda: b.says("A download goes on where it was"), "a word on it")
        await wait_until(lambda: "Tiny-Coder-Q4_K_M" in b.screen.browser.names, "the model")
    assert not list(paths.downloads().glob("*.json"))


async def test_who_logs_in_meanwhile_need_not_begin_anew(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with finding(text="gated") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variant, "the file")
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.downloads, "a row")
        await wait_until(lambda: b.screen.downloads[0].state == "failed", "its end")
        monkeypatch.setenv("HF_TOKEN", loopback.TOKEN)
        await b.pilot.press("enter")
        await wait_until(lambda: any("is here" in toast for toast in b.toasts()), "the model")


async def test_a_name_that_has_changed_leads_to_the_same_file(hub: Hub, model: bytes) -> None:
    old = "someone/Old-Coder-GGUF"
    for quantisation in ("Q4_K_M", "Q8_0"):
        hub.files[f"{old}/Tiny-Coder-{quantisation}.gguf"] = model
    hub.described[old] = {"id": REPO, "tags": []}
    async with finding(text=f"{old}:Q8_0") as (_, screen):
        await wait_until(lambda: screen.variants.option_count, "the files")
        await wait_until(lambda: screen.variants.highlighted is not None, "a cursor")
        assert screen.variants.chosen == "Tiny-Coder-Q8_0"
        assert screen.references[REPO].quantisation == "Q8_0"


async def test_a_gated_model_names_the_page_to_visit(hub: Hub) -> None:
    async with finding(text="gated") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variant, "the file")
        await wait_until(lambda: screen.fits, "a word on why there is no fit")
        await b.pilot.press("enter")
        page = f"{hub.endpoint}/shut/Gated-GGUF"
        await wait_until(lambda: any(page in toast for toast in b.toasts()), "the page")
        assert b.screen.downloads[0].state == "failed"
        # It is still seen once the words have gone.
        row = str(screen.downloads.options[0].prompt)
        assert "✕" in row
        assert "gated" in row


async def test_what_cannot_run_is_fetched_only_if_one_insists(hub: Hub) -> None:
    async with bench() as b:
        # More than any machine's memory holds.
        for key, value in (("n_ctx", 1 << 24), ("n_batch", 8192), ("n_ubatch", 8192)):
            b.screen.parameters.set(key, value)
        screen = await b.opened(FindScreen, "f12")
        await search(b, screen, "coder")
        await b.pilot.press("enter")
        await wait_until(lambda: (REPO, "Tiny-Coder-Q4_K_M") in screen.fits, "the fit")
        await b.pilot.pause()
        assert " cannot" in row_of(screen, "Q4_K_M")
        await b.pilot.press("enter")
        assert any("once more" in toast for toast in b.toasts())
        assert not b.screen.downloads
        await b.pilot.press("enter")
        await wait_until(lambda: "Tiny-Coder-Q4_K_M" in b.screen.browser.names, "the model")


async def test_what_cannot_be_loaded_is_only_said_to_be_here(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variants.has_focus and screen.variant, "the files")
        await b.pilot.press("end")
        await wait_until(lambda: screen.variant and "mmproj" in screen.variant.name, "the last")
        await b.pilot.press("enter")
        await wait_until(lambda: any("is here" in toast for toast in b.toasts()), "the download")
        assert b.toasts()[-1] == "mmproj-F16 is here."


async def test_a_death_that_is_heard_late_is_no_other_files_fault(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        await b.pilot.press("enter")
        await wait_until(lambda: FIT in screen.fits, "the exact fit")
        pid = screen.appraiser._engine.pid
        assert pid is not None
        # Nobody listens by now.
        os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: screen.appraiser._engine.pid is None, "the end of it")
        await b.pilot.press("down")
        await wait_until(lambda: (REPO, "Tiny-Coder-Q8_0") in screen.fits, "the other fit")
        assert screen.fits[REPO, "Tiny-Coder-Q8_0"].fit is not None
