"""The app opens where it was, also where it was cut off."""

from __future__ import annotations

from pathlib import Path

from tests.kept import cut_off, kept, kept_messages
from tests.screens.bench import Bench, bench
from tests.waiting import wait_until
from workbench.engine.protocol import TextArrived
from workbench.panes.sessions.rows import ConversationList
from workbench.screens.exchange import Author, Exchange
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.settings import paths, remembered


def left_behind(*, unanswered: str = "", draft: str = "", asked: str = "Hello!") -> int:
    """A conversation of a process that is no more, as it lies in the store."""
    exchange = Exchange()
    if asked:
        exchange.ask(asked)
        exchange.write(_text("Well", "I greet"), Author("pocket", Path("pocket.gguf"), {}))
    if unanswered:
        exchange.end("stop")
        exchange.ask(unanswered)
    session = Session(exchange.conversation, draft=draft)
    with Store(paths.sessions()) as store:
        return store.write(session.snapshot(), writer=f"gone {asked}").id


def _text(text: str, thoughts: str) -> TextArrived:
    return TextArrived(
        request=1,
        lane=0,
        thoughts=thoughts,
        text=text,
        n_tokens=1,
        decode_ms=1.0,
        ttft_ms=1.0,
        n_context=1,
        n_used=1,
    )


async def offered(opened: Bench) -> None:
    await wait_until(lambda: opened.says("ctrl+r brings it back"), "the offer")


async def test_nothing_is_offered_where_nothing_was_cut_off() -> None:
    async with bench() as opened:
        await opened.pilot.press("ctrl+r")
        assert not opened.says("cut off")
        assert opened.toasts() == []
    assert kept() == []


async def test_what_was_cut_off_is_there_and_goes_on() -> None:
    number = left_behind()
    async with bench() as opened:
        await wait_until(lambda: opened.says("interrupted"), "the answer")
        opened.screen.chat.transcript.action_fold_all()
        for text in ("Hello!", "pocket thinks", "I greet", "Well"):
            assert opened.says(text), text
        assert cut_off() == []
        await opened.ask("Who are you?")
        await opened.idle()
        path = opened.screen.exchange.conversation.path()
        assert [message.text for message in path[:3]] == ["Hello!", "Well", "Who are you?"]
        assert path[3].text
    assert [each.id for each in kept()] == [number]
    assert len(kept_messages()) == 4
    assert cut_off() == []


async def test_what_was_not_answered_or_not_sent_is_written_again() -> None:
    left_behind(unanswered="Who are you?", draft="And why?")
    async with bench() as opened:
        assert opened.screen.chat.prompt.text == "Who are you?\nAnd why?"
        assert len(opened.screen.exchange.conversation.path()) == 2


async def test_what_was_written_before_goes_along() -> None:
    left_behind(draft="And why?")
    async with bench(begin="new") as opened:
        await offered(opened)
        assert opened.says("(2 messages, just now)")
        opened.screen.chat.prompt.insert("Hm")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.screen.chat.prompt.text == "And why?\nHm", "both")
    assert len(kept()) == 1


async def test_a_prompt_alone_is_offered_too() -> None:
    left_behind(asked="", draft="A long letter")
    async with bench(begin="new") as opened:
        await wait_until(lambda: opened.says("A prompt was cut off (not sent"), "the offer")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.screen.chat.prompt.text == "A long letter", "the prompt")


async def test_the_conversation_before_it_is_kept() -> None:
    left_behind()
    async with bench(begin="new") as opened:
        await offered(opened)
        await opened.ask("Who are you?")
        await opened.idle()
        opened.screen.chat.prompt.insert("a draft")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("interrupted"), "the conversation")
        assert not opened.says("Who are you?")
        assert opened.screen.chat.prompt.text == ""
    assert sorted(each.title for each in kept()) == ["Hello!", "Who are you?"]
    with Store(paths.sessions()) as store:
        assert store.open(store.named("Who are you?")).draft == "a draft"


async def test_who_chats_on_instead_keeps_it_for_later() -> None:
    number = left_behind()
    async with bench(begin="new") as opened:
        await offered(opened)
        await opened.ask("Who are you?")
        await opened.idle()
    assert [each.id for each in cut_off()] == [number]


async def test_another_app_may_be_quicker() -> None:
    number = left_behind()
    async with bench(begin="new") as opened:
        await offered(opened)
        with Store(paths.sessions()) as store:
            assert store.take(number, "")
        await opened.pilot.press("ctrl+r")
        await wait_until(opened.toasts, "a word on why not")
        assert "Another Workbench" in opened.toasts()[0]
        assert opened.screen.exchange.conversation.messages == []


async def test_older_ones_are_offered() -> None:
    for name in ("oldest", "older", "newest"):
        left_behind(asked=f"The {name} one")
    async with bench() as opened:
        assert opened.says("The newest one")
        await offered(opened)
        assert opened.says("Older ones wait")
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("The older one"), "the older one")
        await opened.pilot.press("ctrl+n")
        await offered(opened)
        await opened.pilot.press("ctrl+r")
        await wait_until(lambda: opened.says("The oldest one"), "the oldest one")


async def test_a_disk_that_takes_nothing_is_told_once() -> None:
    paths.sessions().parent.parent.mkdir(parents=True)
    paths.sessions().parent.write_text("no folder")
    async with bench() as opened:
        for _ in range(2):
            await opened.ask("Hello!")
            await opened.idle()
        await wait_until(lambda: opened.says("cannot be written"), "a warning")
        assert opened.said.count("Not kept:") == 1
    assert opened.app.ending.code == 0


async def test_a_new_chat_leaves_the_old_one_in_good_order() -> None:
    async with bench() as opened:
        await opened.ask("Hello!")
        await opened.idle()
        opened.screen.chat.prompt.insert("for the next one")
        await opened.pilot.press("ctrl+n")
        assert opened.screen.chat.prompt.text == "for the next one"
        await opened.ask(", this")
        await opened.idle()
    newer, older = kept()
    assert older.title == "Hello!"
    assert older.n_messages == 2
    assert newer.title == "for the next one, this"


async def test_an_answer_is_kept_with_all_it_was_drawn_by() -> None:
    values = {"temperature": 0.5, "max_tokens": 3, "n_ctx": 512, "seed": 7}
    async with bench(values=values) as opened:
        await opened.ask("Hello!")
        await opened.idle()
        shown = opened.screen.exchange.conversation.path()[1]
    [asked, answer] = kept_messages()
    assert asked.at
    assert answer == shown
    assert values.items() <= answer.parameters.items()
    assert answer.seed == 7
    assert answer.model_file is not None
    assert answer.model_file.size > 0
    assert answer.n_tokens == 3
    assert answer.n_ctx == 512
    assert answer.n_prompt > 0
    assert min(answer.tps, answer.prompt_ms, answer.ttft_ms, answer.decode_ms) > 0


async def test_leaving_in_mid_answer_stops_it(slow_model: Path) -> None:
    async with bench(slow_model, values={"ignore_eos": True}) as opened:
        await opened.ask("Hello!")
        await opened.phase("writing")
    assert kept_messages()[-1].finish == "cancelled"
    assert cut_off() == []


# ---- left in good order --------------------------------------------------------------------------


async def test_it_opens_where_it_was_left() -> None:
    async with bench() as opened:
        await opened.ask("Hello!")
        await opened.idle()
        opened.screen.chat.prompt.insert("a draft")
        await opened.pilot.press("ctrl+q")
    async with bench() as opened:
        assert opened.says("Hello!")
        assert opened.screen.chat.prompt.text == "a draft"
        await opened.pilot.press("ctrl+n")
        opened.screen.chat.prompt.clear()
        await opened.pilot.press("ctrl+q")
    async with bench() as opened:
        # A new chat is where it was.
        assert not opened.says("Hello!")
    assert len(kept()) == 1


async def test_what_another_process_has_open_stays_with_it() -> None:
    async with bench() as first:
        await first.ask("Hello!")
        await first.idle()
        await wait_until(lambda: kept() and kept()[0].n_messages == 2, "it to be kept")
        remembered.save(paths.remembered(), remembered.Remembered(conversation=kept()[0].id))
        async with bench() as second:
            assert not second.says("Hello!")
        async with bench(begin=kept()[0].id) as third:
            # Who asks for it by name gets it.
            assert third.says("Hello!")


async def test_the_model_goes_on_that_wrote_it_last(fast_model: Path) -> None:
    async with bench(fast_model, values={"max_tokens": 3}) as opened:
        await opened.ask("Hello!")
        await opened.idle()
    async with bench(model="") as opened:
        assert opened.screen.set_for == fast_model.stem
    async with bench(model="pocket") as opened:
        assert opened.says("Hello!")
        assert opened.screen.set_for == "pocket"


async def test_complaints_are_told_beside_what_was_said(config_folder: Path) -> None:
    left_behind()
    (config_folder / "config.toml").write_text("themes = 1\n")
    async with bench() as opened:
        assert opened.says("Well")
        assert opened.says("there is no setting 'themes'")


# ---- the engine's memory of it -------------------------------------------------------------------


async def test_nothing_is_read_anew_after_a_restart() -> None:
    async with bench(values={"max_tokens": 40, "ignore_eos": True}) as opened:
        await opened.ask("Tell me a long story about a fox.")
        await opened.idle()
        first = opened.screen.exchange.conversation.path()[-1]
        await opened.pilot.press("ctrl+q")
    [file] = paths.states().iterdir()
    assert file.stat().st_mode & 0o077 == 0
    async with bench(values={"max_tokens": 4}) as opened:
        await opened.ask("And then?")
        await opened.idle()
        second = opened.screen.exchange.conversation.path()[-1]
        # All but the last token of the answer, which was never evaluated.
        assert second.n_cached >= first.n_prompt + first.n_tokens - 2
        assert not opened.says("ignored")
        # With the conversation it goes.
        await opened.pilot.press("f7")
        await wait_until(lambda: opened.app.screen is not opened.screen, "the list")
        await wait_until(lambda: opened.app.screen.query_one(ConversationList).items, "it")
        await opened.pilot.press("delete")
        await wait_until(lambda: not list(paths.states().iterdir()), "the state to be gone")
        await opened.pilot.press("escape")
        await wait_until(lambda: not opened.says("And then?"), "a new chat")
        await opened.pilot.press("ctrl+q")
    assert list(paths.states().iterdir()) == []


async def test_who_comes_back_to_a_conversation_finds_it_read() -> None:
    async with bench(values={"max_tokens": 30, "ignore_eos": True}) as opened:
        await opened.ask("Tell me a long story about a fox.")
        await opened.idle()
        first = opened.screen.exchange.conversation.path()[-1]
        await opened.pilot.press("ctrl+n")
        await opened.ask("What is temperature?")
        await opened.idle()
        await wait_until(lambda: len(kept()) == 2, "both to be kept")
        await opened.pilot.press("f7")
        await wait_until(lambda: opened.app.screen is not opened.screen, "the list")
        await wait_until(lambda: opened.app.screen.query_one(ConversationList).items, "both")
        await opened.pilot.press("end", "enter")
        await wait_until(lambda: opened.says("a long story"), "the first")
        await opened.ask("And then?")
        await opened.idle()
        last = opened.screen.exchange.conversation.path()[-1]
        assert last.n_cached >= first.n_prompt + first.n_tokens - 2


async def test_what_was_asked_again_in_vain_shows_its_former_answer() -> None:
    exchange = Exchange()
    prompt = exchange.ask("Hello!")
    exchange.write(_text("Well", ""), Author("pocket", Path("pocket.gguf"), {}))
    exchange.end("stop")
    exchange.ask_again(prompt)
    with Store(paths.sessions()) as store:
        store.write(Session(exchange.conversation).snapshot(), writer="gone")
    async with bench() as opened:
        assert opened.says("Well")
        assert opened.screen.chat.prompt.text == ""
