"""All conversations: listed, searched, opened and put in order."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.kept import kept
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.screens.sessions.screen import SessionsScreen
from workbench.sessions.conversation import Conversation, ModelFile
from workbench.sessions.listing import Summary
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths


def said_before(*texts: str, draft: str = "") -> int:
    """A conversation in the store: prompts and answers in turn."""
    conversation = Conversation()
    for number, text in enumerate(texts):
        if number % 2:
            conversation.add("assistant", text, model="pocket").finish = "stop"
        else:
            conversation.add("user", text)
    with Store(paths.sessions()) as store:
        return store.write(Session(conversation, draft=draft).snapshot()).id


@asynccontextmanager
async def listed(size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Bench, SessionsScreen]]:
    async with bench(size=size) as b:
        yield b, await show_list(b)


async def show_list(b: Bench) -> SessionsScreen:
    screen = await b.opened(SessionsScreen, "f7")
    await wait_until(lambda: screen.bar.count.content, "conversations")
    await b.pilot.pause()
    return screen


def titles(screen: SessionsScreen) -> list[str]:
    return [each.title for each in screen.rows.items]


def under_cursor(screen: SessionsScreen) -> str:
    return screen.rows.item.title if screen.rows.item is not None else ""


def rows(screen: SessionsScreen) -> str:
    """What is drawn of the list."""
    height = screen.rows.size.height
    return "\n".join(screen.rows.render_line(y).text for y in range(height))


async def closed(b: Bench) -> None:
    await wait_until(lambda: b.app.screen is b.screen, "the list to close")


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_the_newest_is_first_and_opens(size: tuple[int, int]) -> None:
    said_before("An older one", "Yes")
    said_before("A newer one", "Well", "And then?", "That was all")
    async with listed(size) as (b, screen):
        assert titles(screen) == ["A newer one", "An older one"]
        assert "A newer one" in rows(screen).splitlines()[0]
        assert " 4 " in rows(screen).splitlines()[0]
        await b.pilot.press("down", "enter")
        await wait_until(lambda: b.says("An older one"), "the conversation")
        assert b.app.focused is b.screen.chat.prompt
        await b.ask("Who are you?")
        await wait_until(lambda: len(b.screen.exchange.conversation.path()) == 4, "an answer")
        await b.idle()
    assert [(each.title, each.n_messages) for each in kept()] == [
        ("An older one", 4),
        ("A newer one", 4),
    ]


async def test_what_was_written_stays_with_its_conversation() -> None:
    said_before("Another", "Yes", draft="for the other")
    async with bench() as b:
        await b.ask("Hello!")
        await b.idle()
        b.screen.chat.prompt.insert("for this one")
        screen = await show_list(b)
        assert screen.rows.present == b.screen.session.id
        await b.pilot.press("down", "enter")
        await wait_until(lambda: b.says("Another"), "the other")
        assert b.screen.chat.prompt.text == "for the other"
        await show_list(b)
        await b.pilot.press("home", "enter")
        await wait_until(lambda: b.says("Hello!"), "the first")
        assert b.screen.chat.prompt.text == "for this one"


async def test_words_are_found_and_shown_where_they_were_said() -> None:
    said_before("A long one", *["filler\n" * 60, "more"] * 4, "here is the needle, at last")
    said_before("Other words", "nothing of it")
    async with listed() as (b, screen):
        await b.pilot.press(*"needl")
        await wait_until(lambda: "the needle, at last" in rows(screen), "the place")
        assert screen.bar.field.value == "needl"
        assert screen.bar.count.content == "1 place"
        await b.pilot.press("enter")
        await wait_until(lambda: b.screen.chat.transcript.found == (1, 1), "the place")
        await closed(b)
        assert b.screen.chat.search.field.value == "needl"
        marked = b.screen.chat.transcript.marked
        assert marked is not None
        assert "needle" in marked.text


async def test_what_was_found_is_renamed_pinned_and_deleted() -> None:
    said_before("First", "the needle")
    said_before("Second", "another needle", "a needle once more")
    # While the words are typed there are four places: what is listed for some of them goes.
    said_before("Third", "no needling")
    async with listed() as (b, screen):
        await b.pilot.press(*"needle")
        await wait_until(lambda: screen.bar.count.content == "3 places", "the places")
        screen.rows.move(titles(screen).index("First"))
        await b.pilot.press("f4")
        await wait_until(lambda: "Pinned: First." in b.toasts(), "a word on it")
        await b.pilot.press("f4")
        await wait_until(lambda: "No longer pinned: First." in b.toasts(), "a word on it")
        await b.pilot.press("f2")
        assert screen.title_field.value == "First"
        screen.title_field.value = "Haystack"
        await b.pilot.press("enter")
        await wait_until(lambda: "Haystack" in titles(screen), "the title")
        # All places in it go with it.
        screen.rows.move(titles(screen).index("Second"))
        screen.rows.focus()
        await b.pilot.press("delete")
        await wait_until(lambda: titles(screen) == ["Haystack"], "the others to be gone")
        assert "Deleted: Second." in b.toasts()[-1]
        assert screen.bar.field.value == "needle"
        await b.pilot.press("ctrl+z")
        await wait_until(lambda: len(titles(screen)) == 3, "them to be back")
    assert sorted(each.title for each in kept()) == ["Haystack", "Second", "Third"]


async def test_a_draft_that_was_emptied_is_no_conversation() -> None:
    said_before("Another", "Yes")
    async with listed() as (b, screen):
        await b.pilot.press("escape")
        await closed(b)
        b.screen.chat.prompt.insert("Well")
        await wait_until(lambda: "Well" in [each.title for each in kept()], "the draft to be kept")
        b.screen.chat.prompt.clear()
        await wait_until(lambda: [each.title for each in kept()] == ["Another"], "it to be gone")
        screen = await show_list(b)
        assert titles(screen) == ["Another"]
        await b.pilot.press("enter")
        await wait_until(lambda: b.says("Another"), "the other")
        await wait_until(lambda: numbers() == [1], "nothing to be left of it")


def numbers() -> list[int]:
    """Whatever the store has a row for."""
    with closing(sqlite3.connect(paths.sessions())) as connection:
        return [number for (number,) in connection.execute("SELECT id FROM conversations")]


async def test_a_place_off_the_path_is_led_to() -> None:
    conversation = Conversation()
    question = conversation.add("user", "Which?")
    conversation.add("assistant", "the hidden version").finish = "stop"
    conversation.go_to(question.id)
    conversation.add("assistant", "the shown one").finish = "stop"
    with Store(paths.sessions()) as store:
        store.write(Session(conversation).snapshot())
    async with listed() as (b, _):
        # Enter before anything was found: it means what will be.
        await b.pilot.press(*"hidden", "enter")
        await wait_until(lambda: b.says("the hidden version"), "the version")
        assert not b.says("the shown one")


async def test_nothing_found_is_said_and_esc_lists_all() -> None:
    said_before("Hello", "Hi")
    async with listed() as (b, screen):
        await b.pilot.press(*"zebra")
        await wait_until(lambda: "said nowhere" in rows(screen), "a word on that")
        await b.pilot.press("escape")
        await wait_until(lambda: titles(screen) == ["Hello"], "the list")
        await b.pilot.press("escape")
        await closed(b)


async def test_renamed_pinned_and_deleted_with_undo() -> None:
    for title in ("First", "Second", "Third"):
        said_before(title, "Yes")
    async with listed() as (b, screen):
        await b.pilot.press("end", "f4")
        await wait_until(lambda: titles(screen) == ["First", "Third", "Second"], "it on top")
        assert "◆ First" in rows(screen)
        # The cursor went with it.
        assert under_cursor(screen) == "First"
        await b.pilot.press("f2")
        screen.title_field.value = "The pinned one"
        await b.pilot.press("enter")
        await wait_until(lambda: titles(screen)[0] == "The pinned one", "the title")
        await b.pilot.press("down", "delete")
        await wait_until(lambda: titles(screen) == ["The pinned one", "Second"], "it to be gone")
        assert "ctrl+z" in b.toasts()[0]
        assert under_cursor(screen) == "Second"
        await b.pilot.press("ctrl+z")
        await wait_until(lambda: len(titles(screen)) == 3, "it to be back")
        assert under_cursor(screen) == "Third"
        await b.pilot.press("escape")
        await closed(b)
    assert [each.title for each in kept()] == ["The pinned one", "Third", "Second"]


async def test_the_cursor_goes_where_it_was_moved_while_the_list_is_read_again() -> None:
    for title in ("First", "Second", "Third"):
        said_before(title, "Yes")
    async with listed() as (b, screen):
        await b.pilot.press("end")
        assert under_cursor(screen) == "First"
        screen.action_pin()
        screen.rows.move(titles(screen).index("Second"))
        await wait_until(lambda: titles(screen) == ["First", "Third", "Second"], "it on top")
        assert under_cursor(screen) == "Second"


async def test_what_was_deleted_before_can_be_had_back_later() -> None:
    for title in ("First", "Second"):
        said_before(title, "Yes")
    async with listed() as (b, screen):
        await b.pilot.press("delete")
        await wait_until(lambda: titles(screen) == ["First"], "one to be gone")
        await b.pilot.press("delete")
        await wait_until(lambda: titles(screen) == [], "both to be gone")
        await b.pilot.press("escape")
        await closed(b)
    async with listed() as (b, screen):
        for back in (["First"], ["Second", "First"]):
            await b.pilot.press("ctrl+z")
            await wait_until(lambda back=back: titles(screen) == back, "it")  # type: ignore[misc]
        await b.pilot.press("ctrl+z")
        await wait_until(lambda: "nothing to bring back" in b.toasts()[-1], "a word on it")


async def test_what_a_lock_keeps_from_being_deleted_is_not_called_so() -> None:
    said_before("First", "Yes")
    async with listed() as (b, screen):
        other = sqlite3.connect(paths.sessions(), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await b.pilot.press("delete")
        await wait_until(lambda: any("locked" in each for each in b.toasts()), "a word on it")
        assert not any("Deleted" in each for each in b.toasts())
        other.close()
        await b.pilot.press("delete")
        await wait_until(lambda: titles(screen) == [], "it to be gone")
        assert "Deleted: First" in b.toasts()[-1]


async def test_what_another_process_added_is_found_in_the_present_one() -> None:
    number = said_before("Which?", "This one")
    async with bench(begin=number) as b:
        with Store(paths.sessions()) as store:
            other = store.open(number)
            other.conversation.add("user", "and the quagga?")
            other.conversation.add("assistant", "extinct").finish = "stop"
            store.write(other.snapshot(), other.place)
        await show_list(b)
        await b.pilot.press(*"quagga", "enter")
        await wait_until(lambda: b.says("and the quagga?"), "what was added")
        await wait_until(lambda: b.screen.chat.transcript.found == (1, 1), "the place")


async def test_titles_are_found_too() -> None:
    number = said_before("Hello", "Hi")
    with Store(paths.sessions()) as store:
        store.rename(number, "Plans for the garden")
    async with listed() as (b, screen):
        await b.pilot.press(*"garden")
        await wait_until(lambda: screen.bar.count.content == "1 place", "it")
        assert "Plans for the garden  Title" in rows(screen)
        await b.pilot.press("enter")
        await wait_until(lambda: b.says("Hello"), "the conversation")
        assert b.app.focused is b.screen.chat.prompt


async def test_the_model_that_wrote_it_is_named_and_can_be_had_back(fast_model: Path) -> None:
    async with bench(fast_model, values={"max_tokens": 2}) as b:
        await b.ask("Hello!")
        await b.idle()
    async with bench(begin="new") as b:
        screen = await show_list(b)
        assert titles(screen) == ["Hello!"]
        await b.pilot.press("enter")
        word = f"/model {fast_model}"
        await wait_until(lambda: b.says(f"pocket goes on with it. {word} loads it."), "the offer")
        await b.ask(word)
        await wait_until(lambda: b.screen.set_for == fast_model.stem, "the model")
        await b.idle()


async def test_a_file_that_an_import_names_is_not_loaded(fast_model: Path) -> None:
    conversation = Conversation()
    conversation.add("user", "Hello!")
    answer = conversation.add("assistant", "Hi", model="evil")
    answer.finish, answer.model_file = "stop", ModelFile.of(fast_model)
    with Store(paths.sessions()) as store:
        number = store.write(Session(conversation).snapshot()).id
    async with bench(model="", begin=number) as b:
        assert b.screen.set_for == "pocket"
        assert b.says("evil wrote this and is not to be found here: pocket goes on with it.")


async def test_who_deletes_the_present_one_begins_anew() -> None:
    async with bench() as b:
        await b.ask("Hello!")
        await b.idle()
        await wait_until(lambda: kept()[0].n_messages == 2, "it to be kept")
        await show_list(b)
        await b.pilot.press("delete", "escape")
        await wait_until(lambda: not b.says("Hello!"), "a new chat")
    assert kept() == []


async def test_another_is_not_opened_in_mid_answer(slow_model: object) -> None:
    said_before("Another", "Yes")
    async with bench(str(slow_model), values={"ignore_eos": True}) as b:
        await b.ask("Hello!")
        await b.phase("writing")
        await show_list(b)
        await b.pilot.press("end", "enter")
        await wait_until(b.toasts, "a word on why not")
        assert b.says("Hello!")


async def test_a_store_that_cannot_be_read_is_told_of() -> None:
    paths.sessions().parent.mkdir(parents=True)
    paths.sessions().write_bytes(b"no database" * 1000)
    async with bench() as b:
        await b.pilot.press("f7")
        await wait_until(lambda: any("damaged" in each for each in b.toasts()), "a word on it")
        await b.pilot.press("escape")
        await closed(b)


async def test_it_is_empty_at_first_and_a_new_one_can_be_begun() -> None:
    async with listed() as (b, screen):
        assert "Nothing has been said yet." in rows(screen)
        await b.pilot.press("ctrl+n")
        await closed(b)


async def test_the_mouse_chooses_too() -> None:
    said_before("First", "Yes")
    said_before("Second", "Yes")
    async with listed() as (b, screen):
        # Below the list's border.
        await b.pilot.click(screen.rows, offset=(10, 2))
        await wait_until(lambda: b.says("First"), "the conversation")


def test_thousands_are_drawn_as_quickly_as_a_few() -> None:
    """Only rows that are seen are made; see the benchmark for figures."""
    from workbench.panes.sessions.row import conversation

    summary = Summary(
        id=1, title="A title " * 7, created=0.0, updated=1e9, pinned=True, n_messages=2
    )
    for width in (20, 40, 60, 100):
        line = conversation(summary, width, 1.8e9, present=False)
        assert line.cell_length <= max(width, 30)


async def test_what_was_written_last_is_listed() -> None:
    async with bench() as b:
        # Two writes are some time apart: the second waits for its own.
        for words in ("a draft", " or two"):
            b.screen.chat.prompt.insert(words)
            await b.pilot.pause()
        screen = await show_list(b)
        assert titles(screen) == ["a draft or two"]
        assert screen.rows.present == b.screen.session.id is not None


async def test_who_opens_the_present_one_has_what_was_written_once() -> None:
    async with bench() as b:
        b.screen.chat.prompt.insert("a draft")
        for _ in range(2):
            await show_list(b)
            await b.pilot.press("home", "enter")
            await closed(b)
            await b.pilot.pause()
            assert b.screen.chat.prompt.text == "a draft"


async def test_a_conversation_is_not_deleted_while_its_answer_is_written(slow_model: Path) -> None:
    async with bench(slow_model, {"ignore_eos": True}) as b:
        await b.ask("Go on for ever")
        await b.phase("writing")
        screen = await show_list(b)
        assert under_cursor(screen) == "Go on for ever"
        await b.pilot.press("delete")
        await wait_until(lambda: any("stop it first" in each for each in b.toasts()), "a word")
        assert not screen.deleted
        await b.pilot.press("escape", "escape")
        await b.idle()


async def test_what_a_title_has_for_itself_acts_on_no_conversation() -> None:
    said_before("First", "Yes")
    async with listed() as (b, screen):
        await b.pilot.press("delete")
        await wait_until(lambda: screen.deleted, "it to be deleted")
        said_before("Second", "Yes")
        screen.read()
        await wait_until(lambda: titles(screen) == ["Second"], "the other one")
        await b.pilot.press("f2", "x", "ctrl+z", "ctrl+n")
        await b.pilot.pause()
        assert b.app.screen is screen
        assert screen.title_field.value == "x"
        await b.pilot.press("enter")
        await wait_until(lambda: titles(screen) == ["x"], "the title")
