"""By what fits are reckoned where models are found: the parameter pane's terms, or others."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from textual.widgets._footer import FooterKey

from tests.hub import TOKEN, Hub
from tests.screens.bench import Bench, bench
from tests.screens.test_find import FIT, REPO, finding, hub, key_line, model, row_of, search, slowly
from tests.waiting import wait_until
from workbench.models.fit import Place
from workbench.panes.lines import Lines
from workbench.parameters import presets
from workbench.parameters.table import BY_KEY
from workbench.screens.find.messages import Appraised
from workbench.screens.find.screen import FindScreen
from workbench.screens.find.terms import Terms
from workbench.settings import paths

__all__ = ["hub", "model"]

OTHER = (REPO, "Tiny-Coder-Q8_0")
SHUT = ("shut/Gated-GGUF", "gated-Q4_0")
PLAIN = Terms.of({})


def test_terms_go_up_and_down_and_come_by_those_of_the_pane() -> None:
    own = Terms.of({"n_ctx": 5000, "cache_type_k": "q5_0", "n_gpu_layers": 7})
    assert own == (5000, "q5_0", "f16", 7)
    lengths, layers = [own], [own]
    for _ in range(20):
        lengths.append(lengths[-1].longer(1, own))
        layers.append(layers[-1].more_layers(1, own))
    assert all(a.n_ctx < b.n_ctx for a, b in pairwise(dict.fromkeys(lengths)))
    assert lengths[-1].n_ctx == 1 << 20
    assert layers[-1].n_gpu_layers == -1
    assert lengths[2].longer(-2, own) == own
    assert lengths[-1].longer(-20, own).n_ctx == 0
    assert layers[-1].more_layers(-20, own).n_gpu_layers == 0
    caches = [own]
    while (following := caches[-1].next_cache(own)) != own:
        caches.append(following)
    assert [each.cache_type_v for each in caches] == ["f16", "f16", "q8_0", "q4_0"]
    for each in (*lengths, *layers, *caches):
        # The parameters can take them.
        assert all(BY_KEY[key].check(value) == value for key, value in each.apart(own).items())


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (PLAIN, "By the parameter pane's n_ctx auto, cache f16."),
        (PLAIN.longer(2, PLAIN), "By n_ctx 4,096, chosen here; the pane's cache f16."),
        (
            PLAIN.longer(1, PLAIN).next_cache(PLAIN),
            "By n_ctx 2,048, cache q8_0, chosen here.",
        ),
        (
            PLAIN._replace(cache_type_k="q8_0", n_gpu_layers=12),
            "By cache K q8_0, V f16, GPU layers 12, chosen here; the pane's n_ctx auto.",
        ),
    ],
)
def test_what_is_only_chosen_here_is_said(terms: Terms, words: str) -> None:
    assert terms.words(PLAIN, with_gpus=False).plain == words


def fit_lines(screen: FindScreen) -> str:
    shown = screen.query_one("#find-fit", Lines)
    return " ".join(shown.render_line(row).text.strip() for row in range(shown.size.height))


async def to_files(b: Bench, screen: FindScreen) -> None:
    """The focus on the files, and the exact fit of the one under the cursor known."""
    await b.pilot.press("enter")
    await wait_until(lambda: screen.variants.has_focus and FIT in screen.fits, "the exact fit")
    await b.pilot.pause()


async def test_other_terms_are_judged_at_once_and_then_exactly(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        await to_files(b, screen)
        assert "By the parameter pane's n_ctx auto, cache f16." in fit_lines(screen)
        await b.pilot.press("down")
        await wait_until(lambda: OTHER in screen.fits, "the other fit")
        await b.pilot.press("up")
        before = screen.fits[FIT].fit
        assert before is not None
        n_asked = len(hub.asked)
        await b.pilot.press("right_square_bracket", "right_square_bracket", "c")
        # A guess, before llama.cpp has been asked.
        assert FIT not in screen.fits
        guess = row_of(screen, "Q4_K_M")
        assert "~fits" in guess
        assert "n_ctx 4,096, cache q8_0, chosen here" in fit_lines(screen)
        # The one under the cursor, and what had been asked of llama.cpp before.
        await wait_until(lambda: {FIT, OTHER} <= set(screen.fits), "both fits")
        await b.pilot.pause()
        assert "~" not in row_of(screen, "Q4_K_M") + row_of(screen, "Q8_0")
        after = screen.fits[FIT].fit
        assert after is not None
        assert (after.exact, after.n_ctx) == (True, 4096)
        assert "n_ctx 4,096; the longest that fits is" in fit_lines(screen)
        # Of f16's 16 bits a value 8.5 are left.
        cache = before.places[0].cache / before.n_ctx, after.places[0].cache / after.n_ctx
        assert cache[1] / cache[0] == pytest.approx(8.5 / 16, rel=0.02)
        assert len(hub.asked) == n_asked
        await b.pilot.press("right_square_bracket")
        await wait_until(lambda: FIT in screen.fits, "the fit of more than it was trained on")
        await b.pilot.pause()
        assert "it was trained on 4,096 tokens only" in fit_lines(screen)
        # What is known is there at once.
        await b.pilot.press("backspace")
        assert screen.fits[FIT].fit is before
        assert "By the parameter pane's" in fit_lines(screen)


async def test_it_begins_as_the_pane_has_it(hub: Hub) -> None:
    async with bench() as b:
        b.screen.parameters.set("n_ctx", 3000)
        b.screen.parameters.set("cache_type_k", "q5_0")
        b.screen.parameters.set("swa_full", True)
        screen = await b.opened(FindScreen, "f12")
        await search(b, screen, "coder")
        await to_files(b, screen)
        said = "By the parameter pane's n_ctx 3,000, cache K q5_0, V f16, swa_full."
        assert said in fit_lines(screen)
        await b.pilot.press("left_square_bracket")
        assert "By n_ctx 2,048, chosen here; the pane's cache K" in fit_lines(screen)
        await b.pilot.press("right_square_bracket")
        assert said in fit_lines(screen)


async def here(b: Bench, screen: FindScreen) -> None:
    """The file under the cursor fetched."""
    await to_files(b, screen)
    await b.pilot.press("enter")
    await wait_until(lambda: "●" in row_of(screen, "Q4_K_M"), "the model")


async def test_what_was_chosen_goes_with_the_model_that_is_loaded(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        b.screen.parameters.set("seed", 7)
        await here(b, screen)
        await b.pilot.press("right_square_bracket", "c", "enter")
        await wait_until(lambda: b.screen.stats.text.startswith("Tiny-Coder-Q4_K_M"), "the model")
        await b.idle()
        chosen = {"n_ctx": 2048, "cache_type_k": "q8_0", "cache_type_v": "q8_0"}
        assert b.screen.parameters.values == {"seed": 7, **chosen}
        assert b.screen.stats.n_ctx == 2048
        assert any(
            "as chosen in Find: n_ctx 2048, cache_type_k q8_0" in each for each in b.toasts()
        )
        await b.pilot.press("f3", "ctrl+z")
        assert b.screen.parameters.values == {"seed": 7}


async def test_what_was_not_chosen_there_stays(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        await here(b, screen)
        await b.pilot.press("right_square_bracket", "c", "backspace", "enter")
        await wait_until(lambda: b.screen.stats.text.startswith("Tiny-Coder-Q4_K_M"), "the model")
        await b.idle()
        assert b.screen.parameters.values == {}
        assert not any("chosen in Find" in each for each in b.toasts())


async def test_what_cannot_be_loaded_changes_no_parameters(hub: Hub) -> None:
    async with bench() as b:
        # Without it there is no V cache of fewer bits.
        b.screen.parameters.set("flash_attn", "off")
        screen = await b.opened(FindScreen, "f12")
        await search(b, screen, "coder")
        await here(b, screen)
        await b.pilot.press("c")
        await wait_until(lambda: FIT in screen.fits and screen.fits[FIT].problem, "why not")
        await b.pilot.press("enter")
        await wait_until(lambda: any("chosen in Find" in each for each in b.toasts()), "a word")
        await wait_until(lambda: b.says("flash_attn"), "why it was not loaded")
        await b.idle()
        assert b.screen.parameters.values == {"flash_attn": "off"}


async def test_what_cannot_be_loaded_leaves_the_presets_as_they_were(hub: Hub) -> None:
    presets.save_of_model(paths.presets(), "pocket", {"n_ctx": 1024})
    presets.save_of_model(paths.presets(), "Tiny-Coder-Q4_K_M", {"n_ctx": 512, "n_threads": 1})
    async with bench(values={"flash_attn": "off"}) as b:
        screen = await b.opened(FindScreen, "f12")
        await search(b, screen, "coder")
        await here(b, screen)
        await b.pilot.press("right_square_bracket", "c")
        await wait_until(lambda: FIT in screen.fits and screen.fits[FIT].problem, "why not")
        await b.pilot.press("enter")
        await wait_until(lambda: b.says("flash_attn"), "why it was not loaded")
        await b.idle()
        pane = b.screen.parameters
        await wait_until(lambda: b.screen.set_for == "pocket", "the model that is loaded")
        assert pane.values == {"flash_attn": "off", "n_ctx": 1024}
        await b.go_to("n_ctx")
        assert "pocket's own preset" in pane.explanation
        await b.pilot.press("u")
        assert pane.values == {"flash_attn": "off", "n_ctx": 1024}


async def test_the_loaded_models_own_preset_is_not_reckoned_with(hub: Hub) -> None:
    presets.save_of_model(paths.presets(), "pocket", {"n_ctx": 1024, "seed": 3})
    async with finding(text="coder") as (b, screen):
        assert b.screen.parameters.values == {"n_ctx": 1024, "seed": 3}
        await here(b, screen)
        said = "n_ctx auto, cache f16, without the loaded model's own preset."
        assert f"By the parameter pane's {said}" in fit_lines(screen)
        await b.pilot.press("c")
        await wait_until(lambda: FIT in screen.fits, "the exact fit")
        fit = screen.fits[FIT].fit
        assert fit is not None
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.stats.text.startswith("Tiny-Coder-Q4_K_M"), "the model")
        await b.idle()
        # It is loaded as it was judged.
        assert b.screen.stats.n_ctx == fit.n_ctx
        caches = {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}
        assert b.screen.parameters.values == caches


async def test_the_layers_of_a_gpu_are_chosen_where_there_is_one(hub: Hub) -> None:
    async with finding(text="coder") as (b, screen):
        await to_files(b, screen)
        assert "right_curly_bracket" not in screen.active_bindings
        await b.pilot.press("left_curly_bracket")
        assert screen.terms == screen.own_terms
        fit = screen.fits[FIT].fit
        assert fit is not None
        gpu = Place("CUDA0", 8_000_000_000, 1_000_000, 1_000_000, 1_000_000)
        with_gpu = msgspec.structs.replace(fit, places=(*fit.places, gpu))
        screen.post_message(Appraised(FIT, screen.terms, with_gpu))
        await wait_until(lambda: screen.has_gpus, "a GPU")
        await b.pilot.pause()
        assert "GPU layers all" in fit_lines(screen)
        await b.pilot.press("left_curly_bracket")
        assert screen.terms.n_gpu_layers == 96
        assert "GPU layers 96, chosen here" in fit_lines(screen)


async def test_the_key_line_says_so_and_keeps_the_help(hub: Hub, config_folder: Path) -> None:
    slowly(config_folder, 0.05)
    async with finding((80, 24), "coder") as (b, screen):

        def keys() -> list[str]:
            return [key.key for key in screen.query(FooterKey)]

        assert "right_square_bracket" not in key_line(screen)
        await to_files(b, screen)
        await wait_until(lambda: {"right_square_bracket", "c", "f1"} <= {*keys()}, "its keys")
        assert key_line(screen)["right_square_bracket"] == "n_ctx"
        await b.pilot.press("enter", "down", "enter")
        await wait_until(lambda: len(b.screen.downloads) == 2, "two downloads")
        await b.pilot.press("d")
        await wait_until(lambda: screen.downloads.has_focus, "the queue")
        await wait_until(lambda: {"space", "K", "f1"} <= {*keys()}, "its keys, and the help")


async def test_what_came_while_it_was_hidden_has_the_whole_width(hub: Hub) -> None:
    async with finding((80, 24), "coder") as (b, screen):
        await to_files(b, screen)
        await b.pilot.press("escape")
        await wait_until(lambda: screen.results.has_focus, "the list")
        await search(b, screen, "gated")
        await wait_until(lambda: SHUT in screen.fits, "a word on why there is no fit")
        await b.pilot.press("enter")
        await wait_until(lambda: screen.variants.has_focus, "the files")
        await wait_until(lambda: screen.query_one("#find-facts").size.height == 5, "the facts")
        said = "This repository is gated: accept its conditions on "
        assert said in screen.query_one("#find-facts", Lines).render_line(2).text


async def test_a_gated_one_says_what_to_do_before_it_is_asked_for(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(screen: FindScreen, words: str) -> bool:
        shown = screen.query_one("#find-facts", Lines)
        lines = [shown.render_line(row).text.strip() for row in range(shown.size.height)]
        return words.replace(" ", "") in "".join(lines).replace(" ", "")

    page = f"accept its conditions on {hub.endpoint}/shut/Gated-GGUF, then "
    for token, then in (
        ("", "log in: hf auth login (or set HF_TOKEN)"),
        (TOKEN[::-1], "try again"),
    ):
        monkeypatch.setenv("HF_TOKEN", token)
        async with finding(text="gated") as (b, screen):
            await wait_until(partial(says, screen, page + then), "what to do, and where")
            await wait_until(lambda: SHUT in screen.fits, "a word on why there is no fit")
            await b.pilot.pause()
            assert "seen once the repository is open" in fit_lines(screen)
            n_asked = len(hub.asked)
            await b.pilot.press("c")
            assert SHUT in screen.fits
            assert len(hub.asked) == n_asked
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    async with finding(text="gated") as (_b, screen):
        await wait_until(lambda: says(screen, "conditions are accepted"), "that it is open")
        assert not says(screen, page)
        # What is known of it is known by all terms.
        screen.choose_terms(screen.terms._replace(n_ctx=4096))
        screen._show_facts()
        assert says(screen, "conditions are accepted")
