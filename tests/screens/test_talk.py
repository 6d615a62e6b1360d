"""Prompts asked anew, answers given again, and their versions, on the real engine."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import OptionList

from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.screens.systems import SystemScreen
from workbench.sessions.conversation import Conversation, Message
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths, systems


def path(b: Bench) -> list[Message]:
    return b.screen.exchange.conversation.path()


async def read(b: Bench, *keys: str) -> None:
    """Press keys in the transcript."""
    b.screen.chat.transcript.focus()
    await b.pilot.press(*keys)
    await b.pilot.pause()


async def test_an_answer_is_given_again_and_the_former_one_kept() -> None:
    async with bench(values={"max_tokens": 8, "seed": -1, "temperature": 2}) as b:
        await b.ask("Tell me a story.")
        await b.idle()
        first = path(b)[1]
        await read(b, "r")
        await wait_until(lambda: len(path(b)) == 2 and path(b)[1] is not first, "an answer")
        await b.idle()
        question, second = path(b)
        assert question.text == "Tell me a story."
        assert "2 of 2" in b.said
        assert b.said.count("Tell me a story.") == 1
        await read(b, "h")
        assert path(b) == [question, first]
        assert "1 of 2, 8 tokens" in b.said
        assert b.says(first.text)
        await read(b, "left")
        assert "There is no other version that way." in b.toasts()
        await read(b, "right")
        assert path(b) == [question, second]


async def test_a_prompt_is_written_anew() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        for question in ("Hello!", "Who are you?"):
            await b.ask(question)
            await b.idle()
        before = path(b)
        b.screen.chat.prompt.insert("a draft")
        await read(b, "g", "e")
        assert b.screen.chat.prompt.text == "Hello!"
        assert b.app.focused is b.screen.chat.prompt
        await b.pilot.press("escape")
        assert b.screen.chat.prompt.text == "a draft"
        assert path(b) == before

        await read(b, "g", "e")
        b.screen.chat.prompt.insert(" Anew.")
        await b.pilot.press("enter")
        await b.idle()
        await wait_until(lambda: len(path(b)) == 2, "an answer")
        assert path(b)[0].text == "Hello! Anew."
        assert "Who are you?" not in b.said
        # What was being written before is there again.
        assert b.screen.chat.prompt.text == "a draft"
        await read(b, "g", "h")
        assert path(b) == before
        assert b.says("Who are you?")


async def test_an_answer_that_fails_to_come_again_leaves_the_former_one() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        before = path(b)
        b.screen.parameters.set("grammar", "root ::= nothing")
        await read(b, "k", "r")
        await wait_until(lambda: b.says("The grammar is wrong"), "the reason")
        await b.idle()
        assert path(b) == before
        assert b.says(before[1].text)
        assert b.screen.chat.prompt.text == ""


async def test_nothing_is_asked_again_while_an_answer_is_written(slow_model: Path) -> None:
    async with bench(slow_model, {"ignore_eos": True, "temperature": 0}) as b:
        await b.ask("Hello!")
        await b.phase("writing")
        await read(b, "g", "e")
        assert b.screen.chat.edited is None
        assert any("Esc stops it" in toast for toast in b.toasts())
        await b.pilot.press("escape")
        await b.idle()


async def test_escape_ends_one_thing_at_a_time() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        await read(b, "slash")
        await b.pilot.press(*"hello", "enter")
        assert b.app.focused is b.screen.chat.transcript
        assert b.screen.chat.transcript.found[1] >= 1
        # The bar stays, and says where among the places n has come to.
        await b.pilot.press("n")
        await b.pilot.pause()
        number, of = b.screen.chat.transcript.found
        assert str(b.screen.chat.search.count.content) == f"{number} of {of}"
        assert b.screen.chat.search.display
        await b.pilot.press("v", "escape")
        assert b.screen.chat.transcript.found[1] >= 1
        await b.pilot.press("escape")
        assert b.screen.chat.transcript.found == (0, 0)
        assert b.screen.chat.transcript.has_focus
        await wait_until(lambda: not b.screen.chat.search.display, "the bar to be gone")
        await b.pilot.press("escape")
        assert b.screen.chat.prompt.has_focus


async def test_words_are_looked_for_while_they_are_typed() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        for question in ("One fox.", "Two foxes.", "No animal."):
            await b.ask(question)
            await b.idle()
        await read(b, "slash")
        await b.pilot.press(*"fox")
        await wait_until(lambda: str(b.screen.chat.search.count.content) != "", "a count")
        of = b.screen.chat.transcript.found[1]
        assert of >= 2
        first = b.screen.chat.transcript.found[0]
        await b.pilot.press("down")
        assert b.screen.chat.transcript.found[0] == first % of + 1
        await b.pilot.press("escape")
        assert not b.screen.chat.search.display


async def test_a_prompt_written_anew_in_vain_leaves_all_as_it_was(slow_model: Path) -> None:
    async with bench(slow_model, {"max_tokens": 3, "n_ctx": 32_768}) as b:
        await b.ask("Hello!")
        await b.idle()
        before = path(b)
        b.screen.chat.prompt.insert("a draft")
        await read(b, "k", "e")
        b.screen.chat.prompt.load_text("word " * 3000)
        await b.pilot.press("enter")
        await b.phase("reading prompt")
        await b.pilot.press("escape")
        await b.idle()
        assert path(b) == before
        assert b.says("Hello!")
        assert "word word" not in b.said
        # Neither what was written anew nor the draft is lost.
        assert b.screen.chat.prompt.text.startswith("word word")
        assert b.screen.chat.prompt.text.endswith("a draft")


async def test_places_found_go_with_their_messages() -> None:
    async with bench(values={"max_tokens": 4, "temperature": 0}) as b:
        await b.ask("Hello hello!")
        await b.idle()
        await read(b, "slash")
        await b.pilot.press(*"hello", "enter")
        transcript = b.screen.chat.transcript
        await wait_until(lambda: transcript.found[1] >= 2, "places")
        await b.pilot.press("ctrl+n")
        await b.pilot.pause()
        assert transcript.found == (0, 0)
        await b.ask("Hello again!")
        await b.idle()
        await read(b, "n")
        assert transcript.found[1] >= 1


# ---- an answer is gone on with -------------------------------------------------------------------


async def test_an_answer_goes_on_from_where_it_ended() -> None:
    async with bench(values={"max_tokens": 4, "temperature": 0}) as b:
        await b.ask("Tell me a story.")
        await b.idle()
        question, first = path(b)
        await read(b, "m")
        await wait_until(lambda: len(path(b)) == 2 and path(b)[1] is not first, "more of it")
        await b.idle()
        second = path(b)[1]
        assert second.parent == question.id
        assert second.text.startswith(first.text)
        assert second.given == len(first.text) < len(second.text)
        assert second.n_tokens == 4
        assert "2 of 2" in b.said
        assert b.says(second.text)
        assert b.said.count("Tell me a story.") == 1
        # In one go it would have been the same.
        b.screen.parameters.set("max_tokens", 8)
        await read(b, "r")
        await wait_until(lambda: path(b)[1] not in (first, second), "another one")
        await b.idle()
        assert path(b)[1].text == second.text


async def test_an_answer_begins_as_a_person_writes() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Who are you?")
        await b.idle()
        b.screen.chat.prompt.insert("a draft")
        await read(b, "g", "i")
        assert b.screen.chat.prompt.text == ""
        assert "The answer begins so" in str(b.screen.chat.prompt.border_title)
        b.screen.chat.prompt.insert("Once upon a time")
        await b.pilot.press("enter")
        await wait_until(lambda: path(b)[-1].given == len("Once upon a time"), "the answer")
        await b.idle()
        assert path(b)[-1].text.startswith("Once upon a time")
        assert b.screen.chat.prompt.text == "a draft"
        # An answer's beginning may be written otherwise, too.
        await read(b, "G", "i")
        assert b.screen.chat.prompt.text == path(b)[-1].text
        await b.pilot.press("escape")
        assert b.screen.chat.prompt.text == "a draft"


async def test_what_cannot_be_gone_on_with_stays() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        before = path(b)
        b.screen.parameters.set("grammar", "root ::= nothing")
        await read(b, "m")
        await wait_until(lambda: b.says("The grammar is wrong"), "the reason")
        assert path(b) == before
        assert len(b.screen.exchange.conversation.messages) == 2
        assert b.says(before[1].text)


async def test_a_model_that_has_nothing_to_add_is_said_to_have_none() -> None:
    async with bench(values={"grammar": 'root ::= ""', "temperature": 0}) as b:
        await b.ask("/begin Once upon a time")
        await b.ask("Tell me a story.")
        await wait_until(lambda: b.says("The model had nothing to add."), "a word on it")


async def test_a_beginning_that_was_not_gone_on_with_is_there_again() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        before = path(b)
        b.screen.chat.prompt.insert("a draft")
        b.screen.parameters.set("grammar", "root ::= nothing")
        await read(b, "g", "i")
        b.screen.chat.prompt.insert("Once upon")
        await b.pilot.press("enter")
        # On its way it is kept, should the app die now.
        assert "Once upon" in b.screen.unsent
        await wait_until(lambda: b.says("The grammar is wrong"), "the reason")
        assert path(b) == before
        assert b.screen.chat.prompt.text == "Once upon"
        assert b.screen.chat.begins
        b.screen.parameters.set("grammar", "")
        await b.pilot.press("enter")
        await wait_until(lambda: path(b)[-1].text.startswith("Once upon"), "the answer")
        await b.idle()
        assert b.screen.chat.prompt.text == "a draft"


async def test_a_begin_that_was_not_gone_on_with_is_for_the_next_answer() -> None:
    async with bench(values={"max_tokens": 4, "grammar": "root ::= nothing"}) as b:
        await b.ask("/begin Once upon")
        await b.ask("Tell me a story.")
        await wait_until(lambda: b.says("The grammar is wrong"), "the reason")
        assert b.screen.chat.prompt.text == "Tell me a story."
        b.screen.parameters.set("grammar", "")
        await b.pilot.press("enter")
        await wait_until(lambda: path(b) and path(b)[-1].given == len("Once upon"), "the answer")


async def test_what_is_written_anew_stays_with_its_conversation() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Hello!")
        await b.idle()
        number = b.screen.session.id
        b.screen.chat.prompt.insert("for the next one")
        await read(b, "g", "e")
        b.screen.chat.prompt.insert(" Written anew.")
        await b.pilot.press("ctrl+n")
        await b.pilot.pause()
        assert b.screen.chat.prompt.text == "for the next one"
        assert number is not None
        await wait_until(lambda: kept_draft(number) == "Hello! Written anew.", "the draft")


def kept_draft(number: int) -> str:
    with Store(paths.sessions()) as store:
        return store.open(number).draft


async def test_an_answer_to_nothing_is_not_asked_for_again() -> None:
    conversation = Conversation()
    conversation.add("assistant", "Welcome.").finish = "imported"
    with Store(paths.sessions()) as store:
        number = store.write(Session(conversation).snapshot()).id
    async with bench(begin=number) as b:
        for key in ("m", "r", "i"):
            b.app.clear_notifications()
            await read(b, "g", key)
            assert "Nothing was asked there" in b.toasts()[-1]
        assert not b.screen.exchange.answering
        assert [message.text for message in path(b)] == ["Welcome."]


async def test_an_answer_that_is_cut_off_has_its_seed(slow_model: Path) -> None:
    async with bench(slow_model, {"ignore_eos": True, "seed": 7}) as b:
        await b.ask("Hello!")
        await b.phase("writing")
        await wait_until(lambda: path(b)[-1].role == "assistant", "an answer")
        assert path(b)[-1].seed == 7


async def test_a_new_conversation_keeps_its_system_prompt() -> None:
    async with bench() as b:
        await b.ask("/system Be brief.")
        await b.pilot.press("ctrl+q")
    async with bench() as b:
        assert b.screen.session.system == "Be brief."
        assert b.says("System prompt: Be brief.")


async def test_a_library_that_cannot_be_read_is_not_written_over() -> None:
    paths.systems().parent.mkdir(parents=True)
    paths.systems().write_text('brief = "Be brief."\nbroken = "Be')
    async with bench() as b:
        await b.pilot.press("ctrl+y")
        await wait_until(lambda: isinstance(b.app.screen, SystemScreen), "the screen for it")
        await b.pilot.press(*"More.", "tab", *"more", "enter")
        await wait_until(lambda: "cannot be read" in b.toasts()[-1], "a word on it")
        await b.pilot.press("ctrl+s")
        await b.pilot.pause()
        assert not any("Kept" in each for each in b.toasts())
    assert "Be brief." in paths.systems().read_text()


async def test_a_branch_goes_on_from_any_answer() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        for question in ("Hello!", "Who are you?"):
            await b.ask(question)
            await b.idle()
        before = path(b)
        await read(b, "g", "j", "f")
        assert path(b) == before[:2]
        assert b.app.focused is b.screen.chat.prompt
        await read(b, "l")
        assert path(b) == before
        await read(b, "g", "j", "f")
        await b.ask("What is temperature?")
        await b.idle()
        assert path(b)[:2] == before[:2]
        assert path(b)[2].text == "What is temperature?"
        assert "2 of 2" in b.said
        await read(b, "k", "h")
        assert path(b) == before


async def test_a_conversation_has_a_system_prompt_of_its_own() -> None:
    async with bench(values={"max_tokens": 4, "system": "the parameter's"}) as b:
        await b.pilot.press("ctrl+y")
        await wait_until(lambda: b.app.screen is not b.screen, "the screen for it")
        await b.pilot.press(*"Be brief.", "ctrl+s")
        await wait_until(lambda: b.says("System prompt: Be brief."), "a word on it")
        await b.ask("Hello!")
        await b.idle()
        assert path(b)[1].parameters["system"] == "Be brief."
        await b.pilot.press("ctrl+n")
        await b.ask("Hello!")
        await b.idle()
        # The next one has the parameter's again.
        assert path(b)[1].parameters["system"] == "the parameter's"


async def test_system_prompts_are_kept_in_a_library() -> None:
    async with bench() as b:
        screen = await b.opened(SystemScreen, "ctrl+y")
        await b.pilot.press(*"Be brief.", "tab", *"short", "enter")
        await wait_until(lambda: systems.load(paths.systems()) == {"short": "Be brief."}, "it")
        await b.pilot.press("escape", "ctrl+y")
        await wait_until(lambda: b.app.screen not in (b.screen, screen), "the screen for it")
        # What has been given a name is kept by using it, too.
        await b.pilot.press(*"Be kind.", "tab", *"kind", "ctrl+s")
        await wait_until(lambda: "kind" in systems.load(paths.systems()), "it to be kept")
        await wait_until(lambda: b.screen.session.system == "Be kind.", "it to be used")
        await b.pilot.press("ctrl+n", "ctrl+y")
        await wait_until(lambda: isinstance(b.app.screen, SystemScreen), "the screen for it")
        assert b.app.screen.query_one(OptionList).option_count == 3
        b.app.screen.query_one(OptionList).focus()
        await b.pilot.press("down", "down", "enter", "ctrl+s")
        await wait_until(lambda: b.screen.session.system == "Be brief.", "it to be used")
        paths.systems().write_text("no toml =")
        await b.pilot.press("ctrl+y")
        await wait_until(lambda: any("cannot be read" in each for each in b.toasts()), "a word")


async def test_how_an_answer_begins_counts_when_it_is_given_again() -> None:
    async with bench(values={"max_tokens": 4}) as b:
        await b.ask("Tell me a story.")
        await b.idle()
        await b.ask("/begin Once upon")
        await b.ask("/retry")
        await wait_until(lambda: path(b)[-1].given == len("Once upon"), "the answer")
        await b.idle()
        await b.ask("/begin Well,")
        await b.pilot.press("ctrl+n")
        await b.ask("Hello!")
        await b.idle()
        # It was meant for the other conversation.
        assert path(b)[-1].given == 0


async def test_no_prompt_of_the_library_is_lost_by_one_key() -> None:
    systems.save(paths.systems(), {"short": "Be brief."})
    async with bench() as b:
        screen = await b.opened(SystemScreen, "ctrl+y")
        screen.rows.focus()
        await b.pilot.press("down", "enter")
        assert screen.field.value == "short"
        await b.pilot.press(*" Today.", "ctrl+s")
        await wait_until(lambda: b.screen.session.system == "Be brief. Today.", "it to be used")
        assert systems.load(paths.systems()) == {"short": "Be brief."}
        screen = await b.opened(SystemScreen, "ctrl+y")
        screen.field.value = "short"
        screen.field.focus()
        await b.pilot.press("enter")
        assert systems.load(paths.systems()) == {"short": "Be brief."}
        await b.pilot.press("enter")
        assert systems.load(paths.systems()) == {"short": "Be brief. Today."}
        screen.rows.focus()
        screen.rows.highlighted = 1
        await b.pilot.press("f4")
        assert systems.load(paths.systems())
        await b.pilot.press("f4")
        assert systems.load(paths.systems()) == {}
