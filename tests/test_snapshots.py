"""The main states of the screen, compared picture by picture.

``pytest tests/test_snapshots.py --snapshot-update`` takes them anew; look at them then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.waiting import wait_until
from workbench.app import WorkbenchApp
from workbench.engine.protocol import Finished, TextArrived, Timings, Token
from workbench.engine.usage import Usage
from workbench.panes.stats.pane import StatsPane
from workbench.screens.workbench import WorkbenchScreen

WIDE, NARROW = (120, 40), (80, 24)

ANSWER = """# Sampling in a nutshell

A model gives every token a **logit**; the *softmax* makes probabilities of them.

1. `top_k` keeps the likeliest
2. `top_p` cuts the tail
   - 漢字 and emoji 🦊 are measured right

> Low temperatures are safe, high ones are brave.

```python
def softmax(logits, temperature=0.8):
    # no overflow
    weights = [exp((x - max(logits)) / temperature) for x in logits]
    return [w / sum(weights) for w in weights]
```

| sampler | default |
|:--------|--------:|
| top_k   |      40 |
| min_p   |    0.05 |

Formulas stay readable: $e^{x/T}$.
"""

Keys = tuple[str, ...]
Before = Callable[[Pilot[None]], Awaitable[None]]


class Pictured(WorkbenchApp):
    """The app, found by the snapshots' own way of starting it."""

    # Textual looks beside the file of the class that it is given.
    CSS_PATH = [  # noqa: RUF012
        PurePath(__file__).parent.parent / "workbench" / str(file) for file in WorkbenchApp.CSS_PATH
    ]

    def __init__(self) -> None:
        super().__init__(model="pocket", values={"temperature": 0.6, "seed": 4})


def after(*keys: str, said: bool = True) -> Before:
    """The model loaded, a conversation with figures that never differ, then some keys."""

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        await wait_until(
            lambda: isinstance(app.screen, WorkbenchScreen) and app.screen.model_is_loaded,
            "a model",
        )
        screen = app.screen
        assert isinstance(screen, WorkbenchScreen)
        await wait_until(lambda: screen.stats.phase == "idle", "an idle engine")
        await wait_until(
            lambda: not any(worker.group == "usage" for worker in app.workers), "the last figures"
        )
        if said:
            converse(screen)
        await pilot.pause()
        screen.stats.post_message(StatsPane.Measured(Usage(48_000_000, 70_000_000, [0.9, 0.4])))
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return before


def converse(screen: WorkbenchScreen) -> None:
    """A question and an answer, and the figures of an engine that took its time."""
    conversation = screen.exchange.conversation
    conversation.add("user", "How does sampling work?")
    answer = conversation.add("assistant", ANSWER, model="pocket")
    answer.thoughts, answer.finish, answer.n_tokens, answer.tps = "Let me think.", "stop", 212, 48.2
    screen.chat.transcript.show_path(conversation)
    drawn = [Token(1, b" a", 20.0 + number % 7) for number in range(200)]
    arrived = TextArrived(1, 0, "", "", 200, 4200.0, 95.0, 230, 230, drawn)
    screen.stats.text_arrived(arrived)
    timings = Timings(30, 0, 90.0, 333.0, 212, 4400.0, 48.2, 95.0, 242, 1024)
    screen.stats.answer_finished(Finished(1, 0, "stop", timings, 4))


STATES: dict[str, tuple[tuple[int, int], Before]] = {
    "empty": (WIDE, after(said=False)),
    "main": (WIDE, after()),
    "reading": (WIDE, after("ctrl+up", "slash", "t", "o", "p", "enter")),
    "filter": (WIDE, after("f3", "slash", "p", "e", "n", "enter")),
    "jump": (WIDE, after("f5")),
    "help": (WIDE, after("f3", "f1")),
    "narrow_chat": (NARROW, after()),
    "narrow_parameters": (NARROW, after("f3")),
    "narrow_stats": (NARROW, after("f4")),
    "narrow_browser": (NARROW, after("f2")),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state(snap_compare: Any, state: str) -> None:
    size, before = STATES[state]
    assert snap_compare(Pictured(), terminal_size=size, run_before=before)


def test_in_the_terminals_own_colours(snap_compare: Any, config_folder: Path) -> None:
    (config_folder / "config.toml").write_text('theme = "ansi-dark"\n')
    assert snap_compare(Pictured(), terminal_size=WIDE, run_before=after("ctrl+up"))
