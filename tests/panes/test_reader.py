"""The transcript under a reader's hands."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot

from workbench.panes.chat.entry import Entry
from workbench.panes.chat.reader import Reader

CODE = "See:\n\n```python\na = 1\nb = 2\n```\n\nand\n\n- in a list\n\n  ```\n  c\n  ```\n"


class Host(App[None]):
    """A transcript alone on the screen; what is copied and wanted is kept."""

    CSS = "Reader { height: 1fr; }"
    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self.copied: list[str] = []
        self.wanted: list[Reader.Wanted] = []

    def compose(self) -> ComposeResult:
        yield Reader(empty="Nothing yet.")

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def on_reader_edit_wanted(self, event: Reader.EditWanted) -> None:
        self.wanted.append(event)

    def on_reader_regenerate_wanted(self, event: Reader.RegenerateWanted) -> None:
        self.wanted.append(event)

    def on_reader_version_wanted(self, event: Reader.VersionWanted) -> None:
        self.wanted.append(event)

    @property
    def reader(self) -> Reader:
        return self.query_one(Reader)


def rows(host: Host) -> list[str]:
    return [host.reader.render_line(y).text.rstrip() for y in range(host.reader.size.height)]


def fill(reader: Reader, count: int = 3) -> None:
    """Questions and answers in turn, numbered as the messages of a conversation."""
    entries = []
    for number in range(count):
        kind = "user" if number % 2 == 0 else "assistant"
        text = f"text {number} " + "word " * 12
        entries.append(Entry(kind, kind, text, message=number))  # type: ignore[arg-type]
    reader.show(entries)


async def test_the_cursor_goes_from_message_to_message() -> None:
    host = Host()
    async with host.run_test(size=(30, 12)) as pilot:
        fill(host.reader, 6)
        assert not any(row.startswith("▌") for row in rows(host))
        host.reader.focus()
        await pilot.pause()
        marked = [row for row in rows(host) if row.startswith("▌")]
        assert marked[0] == "▌assistant"
        assert "text 5" in marked[1]
        await pilot.press("k", "k")
        await pilot.pause()
        marked = [row for row in rows(host) if row.startswith("▌")]
        assert any("text 3" in row for row in marked)
        await pilot.press("g")
        await pilot.pause()
        assert rows(host)[0] == "▌user"
        await pilot.press("down", "y")
        assert host.copied[-1].startswith("text 1")
        await pilot.press("G", "y")
        assert host.copied[-1].startswith("text 5")


async def test_a_message_higher_than_the_screen_is_read_through() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)) as pilot:
        long = Entry("assistant", "m", "\n".join(f"- item {n}" for n in range(30)), message=0)
        reader = host.reader
        reader.show([long, Entry("user", "You", "after", message=1)])
        reader.focus()
        await pilot.press("g")
        seen: list[str] = []
        for _ in range(40):
            shown = [row.strip("▌ ") for row in rows(host)]
            seen += [row for row in shown if row not in seen]
            if reader.marked is not long:
                break
            await pilot.press("j")
        assert [row.split()[-1] for row in seen if "item" in row] == [
            str(number) for number in range(30)
        ]
        assert reader.marked is reader.entries[1]


async def read_from_the_top(host: Host, pilot: Pilot[None]) -> Entry:
    """A long answer that goes on while a person reads its beginning."""
    entry = host.reader.add("assistant", "- a\n" * 30, title="m")
    host.reader.focus()
    await pilot.press("g")
    return entry


async def test_reading_elsewhere_ends_the_following_and_says_what_waits() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)) as pilot:
        reader = host.reader
        entry = await read_from_the_top(host, pilot)
        assert reader.waiting == 0
        reader.extend(entry, "- new\n- lines\n")
        await pilot.pause()
        assert reader.waiting == 2
        assert rows(host)[-1].endswith("↓ 2 new lines")
        assert rows(host)[0].endswith("m")
        await pilot.press("G")
        await pilot.pause()
        assert reader.waiting == 0
        assert any("lines" in row for row in rows(host))


async def test_rows_that_move_are_no_new_lines() -> None:
    host = Host()
    async with host.run_test(size=(60, 10)) as pilot:
        reader = host.reader
        reader.show([Entry("assistant", "m", "many words and more " * 40) for _ in range(12)])
        await pilot.pause()
        reader.focus()
        await pilot.press("pageup", "pageup")
        assert not reader._following
        await pilot.resize_terminal(30, 10)
        await pilot.pause()
        await pilot.press("pageup")
        assert reader.waiting == 0
        reader.add("note", "One line")
        await pilot.pause()
        assert 0 < reader.waiting < 4


async def test_what_came_while_nobody_saw_it_is_new() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)) as pilot:
        reader = host.reader
        entry = await read_from_the_top(host, pilot)
        reader.rest(True)
        reader.extend(entry, "- b\n" * 6)
        reader.rest(False)
        await pilot.pause()
        assert reader.waiting >= 6


async def test_whoever_begins_to_read_elsewhere_finds_the_cursor_there() -> None:
    host = Host()
    async with host.run_test(size=(40, 10)) as pilot:
        reader = host.reader
        fill(reader, 20)
        await pilot.pause()
        reader.scroll_to(y=8, animate=False, immediate=True, force=True)
        await pilot.pause()
        reader.focus()
        await pilot.pause()
        assert reader.marked in [entry for _, entry in reader.in_sight()]
        # One that is in sight stays where it is.
        reader.mark(reader.entries[3])
        host.set_focus(None)
        reader.focus()
        await pilot.pause()
        assert reader.marked is reader.entries[3]


async def test_thoughts_fold_by_key_and_by_mouse() -> None:
    host = Host()
    async with host.run_test(size=(30, 12)) as pilot:
        reader = host.reader
        thoughts = Entry("thoughts", "m thinks", "deep\nthoughts", message=0)
        reader.show([thoughts, Entry("assistant", "m", "so", message=0)])
        assert rows(host)[:3] == [" ▾ m thinks", "   deep", "   thoughts"]
        await pilot.click(Reader, offset=(4, 0))
        assert rows(host)[0].endswith("▸ m thinks")
        assert rows(host)[2].strip() == "m"
        await pilot.press("space")
        assert rows(host)[1].endswith("deep")
        reader.folds_thoughts = False
        await pilot.press("z")
        assert thoughts.folded


async def test_code_is_copied_block_by_block() -> None:
    host = Host()
    async with host.run_test(size=(40, 20)) as pilot:
        host.reader.show([Entry("assistant", "m", CODE, message=0)])
        host.reader.focus()
        await pilot.press("b", "b", "b")
        assert host.copied == ["a = 1\nb = 2\n", "c\n", "a = 1\nb = 2\n"]


async def test_what_cannot_be_done_is_not_offered() -> None:
    host = Host()
    async with host.run_test(size=(40, 20)) as pilot:
        reader = host.reader
        fill(reader, 2)
        reader.add("note", "a note")
        reader.focus()
        await pilot.pause()

        def offered() -> set[str]:
            return {each.binding.action for each in host.screen.active_bindings.values()}

        assert not {"edit", "regenerate", "copy_code"} & offered()
        await pilot.press("k")
        assert "regenerate" in offered()
        assert "edit" not in offered()
        await pilot.press("r", "l", "k", "e")
        assert [(type(event).__name__, event.message) for event in host.wanted] == [
            ("RegenerateWanted", 1),
            ("VersionWanted", 1),
            ("EditWanted", 0),
        ]


# ---- selecting -------------------------------------------------------------------------------


async def selected(pilot: Pilot[None], *keys: str) -> str:
    await pilot.press(*keys)
    await pilot.pause()
    return pilot.app.screen.get_selected_text() or ""


async def test_text_is_selected_by_keys() -> None:
    host = Host()
    async with host.run_test(size=(26, 12)) as pilot:
        text = "alpha beta gamma delta epsilon zeta"
        host.reader.show([Entry("user", "You", text), Entry("user", "You", "second")])
        host.reader.focus()
        await pilot.press("g")
        assert await selected(pilot, "v") == "a"
        assert await selected(pilot, "right", "l") == "alp"
        assert await selected(pilot, "w") == "alpha b"
        assert await selected(pilot, "dollar_sign") == "alpha beta gamma delta"
        # The break is the width's, not the writer's.
        assert await selected(pilot, "down", "dollar_sign") == text
        assert await selected(pilot, "0", "h") == "alpha beta gamma delta"
        assert await selected(pilot, "G", "dollar_sign") == f"{text}\n\nYou\nsecond\n".rstrip()
        await pilot.press("c")
        assert host.copied == [f"{text}\n\nYou\nsecond"]
        assert await selected(pilot) == ""


async def test_text_is_selected_by_mouse_without_bars_and_indents() -> None:
    host = Host()
    async with host.run_test(size=(24, 16)) as pilot:
        host.reader.show([Entry("assistant", "m", "```\nx = 'a long line of code'\ny\n```")])
        await pilot.pause()
        shown = rows(host)
        assert shown[1:4] == ["   │ x = 'a long line o", "   │ f code'", "   │ y"]
        await pilot.mouse_down(Reader, offset=(5, 1))
        await pilot.hover(Reader, offset=(5, 3))
        await pilot.mouse_up(Reader, offset=(5, 3))
        await pilot.pause()
        assert host.screen.get_selected_text() == "x = 'a long line of code'\ny"


async def test_wide_characters_are_selected_whole() -> None:
    host = Host()
    async with host.run_test(size=(24, 8)) as pilot:
        host.reader.show([Entry("user", "You", "漢字 🦊 fox")])
        host.reader.focus()
        assert await selected(pilot, "v", "right") == "漢字"
        assert await selected(pilot, "w", "w") == "漢字 🦊 f"


# ---- finding ---------------------------------------------------------------------------------


async def test_words_are_found_also_over_the_ends_of_lines() -> None:
    host = Host()
    async with host.run_test(size=(24, 10)) as pilot:
        reader = host.reader
        texts = ["one NEEDLE here", "nothing", "a needle and " + "x " * 5 + "a need**le**"]
        reader.show([Entry("assistant", "m", text) for text in texts])
        reader.focus()
        reader.find("needle")
        assert reader.found[1] == 3
        reader.find("x a needle")
        assert reader.found == (1, 1)
        reader.find("needle")
        first = reader.found[0]
        await pilot.press("n")
        assert reader.found[0] == first % 3 + 1
        await pilot.press("N")
        assert reader.found[0] == first
        reader.find("not there")
        assert reader.found == (0, 0)
        reader.leave()
        assert not reader.busy


async def test_a_place_found_is_brought_in_sight_also_out_of_folded_thoughts() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)) as pilot:
        reader = host.reader
        thoughts = Entry("thoughts", "m thinks", "a hidden needle")
        thoughts.folded = True
        reader.show([thoughts, *(Entry("user", "You", "word " * 40) for _ in range(9))])
        await pilot.pause()
        assert reader.scroll_offset.y > 0
        reader.find("hidden")
        await pilot.pause()
        assert not thoughts.folded
        assert any("a hidden needle" in row for row in rows(host))


async def test_text_that_comes_is_looked_through() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)):
        entry = host.reader.add("user", "a needle", title="You")
        host.reader.find("needle")
        host.reader.extend(entry, "\nand a needle")
        assert host.reader.found == (1, 2)


# ---- long conversations ----------------------------------------------------------------------


@pytest.mark.parametrize("keys", [("g",), ("k",) * 12, ("pageup",) * 5, ("ctrl+u",) * 9])
async def test_rows_that_nobody_has_seen_are_no_wrong_ones(keys: tuple[str, ...]) -> None:
    host = Host()
    async with host.run_test(size=(40, 16)) as pilot:
        reader = host.reader
        reader.show([Entry("assistant", f"m{n}", f"# T\n\n- {n}\n- b\n- c") for n in range(200)])
        await pilot.pause()
        assert sum(entry.is_laid_out for entry in reader.entries) < 20
        reader.focus()
        for key in keys:
            before = rows(host)
            await pilot.press(key)
            await pilot.pause()
            after = rows(host)
            if key in ("k", "ctrl+u"):
                # What was in sight has moved down as a whole.
                shift = after.index(before[2]) - 2 if before[2] in after else 0
                assert 0 <= shift < 16
        shown = [row.strip("▌ ") for row in rows(host)]
        # Every message in sight is complete, and they follow each other.
        titles = [int(row[1:]) for row in shown if row.startswith("m") and row[1:].isdigit()]
        assert titles == list(range(titles[0], titles[0] + len(titles)))
        for title in titles[:-1]:
            at = shown.index(f"m{title}")
            assert shown[at + 1 : at + 6] == ["T", "", f"• {title}", "• b", "• c"]


async def test_resizing_keeps_the_place_in_the_text() -> None:
    host = Host()
    async with host.run_test(size=(60, 12)) as pilot:
        reader = host.reader
        words = " ".join(f"w{number}" for number in range(600))
        reader.show([Entry("user", "You", words) for _ in range(3)])
        await pilot.pause()
        reader.scroll_to(y=reader.max_scroll_y // 2, animate=False, immediate=True)
        await pilot.pause()
        [first, *_] = rows(host)[0].split()
        for width in (30, 100, 45, 60):
            await pilot.resize_terminal(width, 12)
            await pilot.pause()
            assert first in rows(host)[0] + rows(host)[1], width


async def test_a_click_beside_the_text_is_no_mistake() -> None:
    host = Host()
    async with host.run_test(size=(30, 10)) as pilot:
        await pilot.click(Reader, offset=(5, 5))
        fill(host.reader, 1)
        await pilot.click(Reader, offset=(5, 8))
        await pilot.press("v", "escape", "b", "n", "e")
        assert host.reader.region.contains_point(Offset(1, 1))


async def test_a_selection_ends_beside_the_text_as_well() -> None:
    host = Host()
    async with host.run_test(size=(30, 20)) as pilot:
        texts = ["first", "second", "third"]
        host.reader.show([Entry("assistant", "m", text) for text in texts])
        await pilot.pause()
        shown = rows(host)
        blank = shown.index("   second") + 1
        assert not shown[blank]
        for begin, end, taken in (
            (blank - 1, blank, "second"),
            (blank - 1, blank - 3, "\nm\nsecond"),
            (len(shown) - 1, blank + 2, "third"),
        ):
            await pilot.mouse_down(Reader, offset=(9 if end < begin else 3, begin))
            await pilot.hover(Reader, offset=(3, end))
            await pilot.mouse_up(Reader, offset=(3, end))
            await pilot.pause()
            assert (host.screen.get_selected_text() or "").rstrip() == taken


async def test_a_selection_ends_where_its_rows_move() -> None:
    host = Host()
    async with host.run_test(size=(30, 20)) as pilot:
        thoughts = Entry("thoughts", "thinks", "a\nb\nc")
        host.reader.show([thoughts, Entry("assistant", "m", "alpha beta")])
        host.reader.focus()
        assert await selected(pilot, "v", "dollar_sign") == "alpha beta"
        host.reader.fold(not thoughts.folded, thoughts)
        assert await selected(pilot) == ""
        assert await selected(pilot, "v", "dollar_sign") == "alpha beta"
        await pilot.resize_terminal(20, 20)
        await pilot.pause()
        # Another message would be copied, not the rows that those were.
        await pilot.press("c")
        assert not host.reader.busy
        assert host.copied == ["alpha beta"]


async def test_what_is_searched_is_laid_out_whole() -> None:
    host = Host()
    async with host.run_test(size=(60, 12)) as pilot:
        reader = host.reader
        code = "```\n" + "a line\n" * 9 + "```\n\n| a | b |\n|---|---|\n| 1 | 漢字漢字漢字 |"
        entries = [Entry("assistant", f"m{n}", code) for n in range(30)]

        def is_true() -> bool:
            return reader._rows.height == sum(entry.height for entry in reader.entries)

        reader.show(entries)
        reader.find("line")
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        await pilot.pause()
        assert all(entry.is_laid_out for entry in reader.entries)
        assert is_true()
        reader.cut(0)
        reader.show([Entry("assistant", f"m{n}", code) for n in range(30)])
        await pilot.pause()
        assert is_true()
        reader.add("user", code, title="You")
        assert is_true()
