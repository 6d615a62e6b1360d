from __future__ import annotations

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from workbench.panes.chat.entry import Entry
from workbench.panes.chat.reader import Reader
from workbench.steady.screen import SteadyScreen


class Host(App[None]):
    """A transcript alone on the screen."""

    CSS = "Reader { height: 1fr; }"

    def get_default_screen(self) -> SteadyScreen[None]:
        return SteadyScreen()

    def compose(self) -> ComposeResult:
        yield Reader(empty="Nothing yet.")

    @property
    def transcript(self) -> Reader:
        return self.query_one(Reader)


def rows(host: Host) -> list[str]:
    """What is on the screen, without the column of the cursor and trailing blanks."""
    transcript = host.transcript
    return [transcript.render_line(y).text[1:].rstrip() for y in range(transcript.size.height)]


def plain(entry: Entry) -> list[str]:
    return [line.plain for line in entry.lines]


def test_text_in_pieces_wraps_like_text_in_one() -> None:
    text = "One line.\n\n    indented\n" + "wide 漢字 🦊 words " * 9 + "\n" + "x" * 90
    whole, pieces = Entry("user", "m", text), Entry("user", "m", "")
    whole.fit(30)
    pieces.fit(30)
    for char in text:
        pieces.append(char)
    assert plain(pieces) == plain(whole)
    assert "    indented" in plain(whole)
    assert "".join(plain(whole)).count("x") == 90


async def test_the_empty_state_says_what_to_do_and_gives_way() -> None:
    host = Host()
    async with host.run_test(size=(40, 10)) as pilot:
        assert "  Nothing yet." in rows(host)
        host.transcript.add("user", "Hi", title="You")
        await pilot.pause()
        assert rows(host)[:3] == ["You", "  Hi", ""]


async def filled(pilot: Pilot[None], transcript: Reader) -> Entry:
    entry = transcript.add("assistant", "", title="m")
    for number in range(50):
        transcript.extend(entry, f"line {number}\n")
    await pilot.pause()
    return entry


async def test_it_follows_the_end_until_the_reader_goes_up() -> None:
    host = Host()
    async with host.run_test(size=(40, 10)) as pilot:
        transcript = host.transcript
        entry = await filled(pilot, transcript)
        assert "  line 49" in rows(host)

        transcript.focus()
        await pilot.press("g")
        transcript.extend(entry, "more\n")
        await pilot.pause()
        assert rows(host)[:2] == ["m", "  line 0"]

        await pilot.press("G")
        transcript.extend(entry, "and more\n")
        await pilot.pause()
        assert "  and more" in rows(host)


async def test_it_follows_when_all_comes_at_once() -> None:
    host = Host()
    async with host.run_test(size=(40, 10)) as pilot:
        host.transcript.add("assistant", "line\n" * 50 + "the end", title="m")
        await pilot.pause()
        assert "  the end" in rows(host)


async def test_resizing_keeps_the_place() -> None:
    host = Host()
    async with host.run_test(size=(60, 12)) as pilot:
        transcript = host.transcript
        transcript.add("user", "word " * 200, title="You")
        for number in range(30):
            transcript.add("note", f"note {number}")
        await pilot.pause()
        transcript.scroll_to(y=transcript.max_scroll_y // 2, animate=False, immediate=True)
        await pilot.pause()
        [first, *_] = [row for row in rows(host) if row]
        await pilot.resize_terminal(30, 12)
        await pilot.pause()
        assert first in rows(host)


async def test_text_may_grow_above_a_later_entry() -> None:
    host = Host()
    async with host.run_test(size=(40, 12)) as pilot:
        transcript = host.transcript
        entry = transcript.add("assistant", "one", title="m")
        transcript.add("note", "a note")
        transcript.extend(entry, "\ntwo")
        await pilot.pause()
        assert rows(host)[:5] == ["m", "  one", "  two", "", "  a note"]


async def test_only_what_is_new_is_drawn_while_there_is_room() -> None:
    host = Host()
    async with host.run_test(size=(40, 20)) as pilot:
        transcript = host.transcript
        entry = transcript.add("assistant", "One line", title="m")
        await pilot.pause()
        drawn: list[int] = []
        original = transcript.render_line

        def render_line(y: int) -> Strip:
            drawn.append(y)
            return original(y)

        transcript.render_line = render_line  # type: ignore[method-assign]
        transcript.extend(entry, " and more")
        await pilot.pause()
        assert drawn == [1]
        assert rows(host)[1] == "  One line and more"


async def test_an_answer_that_reaches_the_end_gets_room_ahead() -> None:
    host = Host()
    async with host.run_test(size=(40, 12)) as pilot:
        transcript = host.transcript
        entry = transcript.add("user", "", title="m")
        offsets = []
        for number in range(40):
            transcript.extend(entry, f"line {number}\n")
            await pilot.pause()
            offsets.append(transcript.scroll_offset.y)
            # Whatever is new can be seen.
            assert f"  line {number}" in rows(host)
        assert len(set(offsets)) < 12
        transcript.add("user", "Next", title="You")
        await pilot.pause()
        assert rows(host)[-2:] == ["  Next", ""]
