from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sessions.made import assert_sound, checked, conversation, put, session, texts
from workbench.sessions import listing, rows
from workbench.sessions.conversation import Conversation, ModelFile, local
from workbench.sessions.database import StoreError
from workbench.sessions.listing import Summary
from workbench.sessions.reading import as_markdown, as_text
from workbench.sessions.search import Search
from workbench.sessions.session import Session
from workbench.sessions.store import Store
from workbench.sessions.writer import Writer


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store(file) as opened:
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    opened = Writer(store.writers)
    yield opened
    opened.close()


def test_a_conversation_comes_back_as_it_was(file: Path, store: Store) -> None:
    kept = session("why?", "because", "and?", "so")
    kept.system, kept.draft = "Be brief.", "what I was about to"
    answer = kept.conversation.message(1)
    answer.thoughts, answer.model, answer.seed = "let me see", "pocket", 7
    answer.model_file = ModelFile(path="/models/pocket.gguf", size=5, mtime_ns=6, sha256="ab")
    answer.parameters = {"temperature": 0.2, "top_k": 1, "stop": ("a", "b"), "ignore_eos": True}
    answer.n_tokens, answer.tps, answer.n_prompt, answer.n_cached = 3, 50.5, 20, 10
    answer.n_ctx, answer.prompt_ms, answer.ttft_ms, answer.decode_ms = 512, 1.5, 2.5, 3.5
    answer.given, answer.given_thoughts = 2, 4
    kept.conversation.go_to(0)
    kept.conversation.add("assistant", "another").finish = "length"
    number = store.write(kept.snapshot()).id
    store.close()
    with Store(file) as again:
        opened = again.open(number)
    assert opened.conversation.messages == kept.conversation.messages
    assert opened.conversation.leaf == kept.conversation.leaf
    assert (opened.system, opened.draft) == ("Be brief.", "what I was about to")
    assert file.stat().st_mode & 0o777 == 0o600
    assert_sound(file)


def test_to_open_it_twice_takes_no_locks_from_it(file: Path, store: Store) -> None:
    """Else another process takes it for its own, and removes what has not been checkpointed."""
    put(store, "first")
    with Store(file) as second:
        put(second, "second")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from workbench.sessions.store import Store\n"
        "with Store(Path(sys.argv[1])) as store:\n"
        "    print([each.title for each in store.summaries()])\n"
    )
    look = [sys.executable, "-c", script, str(file)]
    subprocess.run(look, check=True, capture_output=True)
    assert Path(f"{file}-wal").exists()
    put(store, "third")
    found = subprocess.run(look, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "['third', 'second', 'first']"
    assert_sound(file)


def test_only_what_is_new_is_written(file: Path, store: Store) -> None:
    kept = session("why?", "because")
    kept.place = store.write(kept.snapshot())
    kept.conversation.add("user", "and?")
    place = store.write(kept.snapshot(), kept.place)
    assert place.rows[:2] == kept.place.rows
    assert texts(store.open(place.id)) == ["why?", "because", "and?"]
    assert store.summary(place.id).n_messages == 3


def test_an_open_answer_grows_by_pieces_until_it_is_complete(
    file: Path, store: Store, writer: Writer
) -> None:
    kept = session("why?")
    answer = kept.conversation.add("assistant", model="pocket")
    place = None
    for piece in ("Be", "cause", "", " of"):
        answer.text += piece
        answer.thoughts += piece[:1]
        place = store.write(kept.snapshot(), place, writer=writer.name)
        with Store(file) as other:
            seen = other.open(place.id).conversation.message(1)
        assert (seen.text, seen.thoughts) == (answer.text, answer.thoughts)
        assert seen.finish == "elsewhere"
    answer.text, answer.finish = "Because of that", "stop"
    place = store.write(kept.snapshot(), place, writer=writer.name)
    assert place is not None
    assert store.open(place.id).conversation.message(1) == answer
    assert_sound(file)


def test_an_answer_whose_writer_is_gone_was_cut_off(
    file: Path, store: Store, writer: Writer
) -> None:
    kept = session("why?")
    kept.conversation.add("assistant", "half an ans")
    place = store.write(kept.snapshot(), writer=writer.name)
    assert store.cut_off() == []
    writer.close()
    assert store.open(place.id).conversation.message(1).finish == "cut off"
    assert [each.id for each in store.cut_off()] == [place.id]
    with Store(file) as other:
        assert texts(other.open(place.id)) == ["why?", "half an ans"]
        [hit] = other.search("half")
        assert (hit.conversation, hit.message) == (place.id, 1)
        own = Writer(other.writers)
        assert other.take(place.id, own.name)
        assert not store.take(place.id, "slower")
        assert store.cut_off() == []
        other.leave(place.id, own.name)
        own.close()
    assert store.cut_off() == []
    assert_sound(file)


def test_the_writer_has_the_last_word_also_where_it_was_thought_dead(store: Store) -> None:
    kept = session("why?")
    answer = kept.conversation.add("assistant", "Be")
    place = store.write(kept.snapshot(), writer="thought dead")
    with Store(store.file) as other:
        answer.text += "cause"
        place = store.write(kept.snapshot(), place, writer="thought dead")
        assert texts(other.open(place.id)) == ["why?", "Because"]
    answer.text, answer.finish = "Because.", "stop"
    store.write(kept.snapshot(), place, writer="thought dead")
    assert store.open(place.id).conversation.message(1) == answer


def test_the_newest_comes_first_and_pinned_ones_before_it(store: Store) -> None:
    first, second, third = (put(store, text) for text in ("one", "two", "three"))
    assert [each.id for each in store.summaries()] == [third, second, first]
    store.pin(first)
    kept = store.open(second)
    kept.conversation.add("user", "more")
    store.write(kept.snapshot(), kept.place)
    assert [each.id for each in store.summaries()] == [first, second, third]
    assert [each.pinned for each in store.summaries()] == [True, False, False]
    store.pin(first, pinned=False)
    assert [each.id for each in store.summaries(limit=2)] == [second, third]


def test_looking_at_another_version_does_not_move_a_conversation(store: Store) -> None:
    first = put(store, "one", "uno")
    second = put(store, "two")
    kept = store.open(first)
    kept.conversation.go_to(0)
    store.write(kept.snapshot(), kept.place)
    assert [each.id for each in store.summaries()] == [second, first]
    assert store.open(first).conversation.leaf == 0


def test_a_clock_that_goes_backwards_changes_no_order(file: Path) -> None:
    clock = itertools.count(2_000_000_000, -3600)
    with Store(file, clock=lambda: float(next(clock))) as store:
        numbers = [put(store, f"prompt {number}", "answer") for number in range(4)]
        assert [each.id for each in store.summaries()] == numbers[::-1]
        kept = store.open(numbers[0])
        for number in range(3):
            kept.conversation.add("user", f"more {number}").at = 100.0 - number
            kept.place = store.write(kept.snapshot(), kept.place)
        assert store.summaries()[0].id == numbers[0]
        assert texts(store.open(numbers[0]))[2:] == ["more 0", "more 1", "more 2"]
        hits = store.search("prompt")
        assert [each.conversation for each in hits] == numbers[::-1]


def test_the_title_is_the_first_prompt_until_it_is_given_another(store: Store) -> None:
    number = put(store, "  why\n is the \x1b[31msky  blue? " + "really " * 20, "because")
    title = store.summary(number).title
    assert title.startswith("why is the [31msky blue? really")
    assert title.endswith("…")
    assert len(title) <= 60
    store.rename(number, "The sky")
    kept = store.open(number)
    kept.conversation.add("user", "and the sea?")
    store.write(kept.snapshot(), kept.place)
    assert store.summary(number).title == "The sky"
    store.rename(number, " ")
    assert store.summary(number).title == title
    assert store.summary(store.write(Session(draft="a dra\nft").snapshot()).id).title == "a dra ft"


def test_what_was_removed_for_good_elsewhere_is_written_anew(store: Store) -> None:
    kept = session("why?", "because")
    kept.place = store.write(kept.snapshot())
    store.remove(kept.place.id)
    kept.conversation.add("user", "and?")
    place = store.write(kept.snapshot(), kept.place)
    assert texts(store.open(place.id)) == ["why?", "because", "and?"]


def test_a_person_names_a_conversation_by_number_or_title(store: Store) -> None:
    sky, sea, salt = (put(store, text) for text in ("The sky", "The sea", "the sea's salt 100%"))
    assert store.named(str(sky)) == sky
    assert store.named("SKY") == sky
    assert store.named("the sea") == sea
    assert store.named("100%") == salt
    with pytest.raises(StoreError, match="Several"):
        store.named("the")
    year = put(store, "2024")
    assert store.named("2024") == year
    assert store.named("%") == salt
    # What was a number is no part of a title.
    for nothing in ("moon", "", "999", "202", "100"):
        with pytest.raises(StoreError, match="no conversation"):
            store.named(nothing)


def test_two_with_the_same_conversation_add_to_one_tree(file: Path, store: Store) -> None:
    number = put(store, "why?", "because")
    with Store(file) as other:
        mine, theirs = store.open(number), other.open(number)
        for at in range(3):
            mine.conversation.add("user", f"mine {at}")
            theirs.conversation.add("user", f"theirs {at}")
            mine.place = store.write(mine.snapshot(), mine.place)
            theirs.place = other.write(theirs.snapshot(), theirs.place)
        together = store.open(number).conversation
    assert {each.text for each in together.messages[2:]} == {
        *(f"mine {at}" for at in range(3)),
        *(f"theirs {at}" for at in range(3)),
    }
    assert [each.text for each in together.path()][-3:] == [f"theirs {at}" for at in range(3)]
    mine_last = next(each for each in together.messages if each.text == "mine 2")
    together.go_to(mine_last.id)
    assert [each.text for each in together.path()][2:] == [f"mine {at}" for at in range(3)]
    assert_sound(file)


def test_the_file_cannot_command_the_terminal(file: Path, store: Store) -> None:
    number = put(store, "a \x1b]52;c;x\x07 prompt \ud800", "b")
    assert texts(store.open(number))[0] == "a ]52;c;x prompt \N{REPLACEMENT CHARACTER}"
    with store._writing() as connection:
        connection.execute("UPDATE messages SET text = ?", ("red \x1b[31malert",))
        connection.execute("UPDATE conversations SET title = ?", ("\x1b[31mred",))
    assert texts(store.open(number)) == ["red [31malert"] * 2
    assert store.summaries()[0].title == "[31mred"
    assert store.search("red")[0].title == "[31mred"


def test_nothing_that_the_file_says_of_an_answer_commands_the_terminal(store: Store) -> None:
    kept = session("why?", "because")
    kept.conversation.message(1).model_file = ModelFile(path="/m.gguf")
    kept.conversation.message(1).parameters = {"temperature": 0.5}
    number = store.write(kept.snapshot()).id
    with checked(store) as connection:
        connection.execute("UPDATE models SET path = '/\x1b[31mm.gguf'")
        connection.execute(
            "UPDATE messages SET finish = '\x1b[31mred', model = '\x1b[31mm',"
            ' parameters = \'{"\\u001b[31mx": "\\u001b[31my", "stop": ["\\u009b1m"]}\''
            " WHERE role = 'assistant'"
        )
    answer = store.open(number).conversation.message(1)
    assert answer.model_file == ModelFile(path="/[31mm.gguf")
    assert (answer.finish, answer.model) == ("[31mred", "[31mm")
    assert answer.parameters == {"[31mx": "[31my", "stop": ("1m",)}
    with checked(store) as connection:
        connection.execute("UPDATE messages SET role = '\x1b[31mred'")
    assert {hit.role for hit in store.search("because")} == {"[31mred"}
    with pytest.raises(StoreError, match="message 0 is nobody's"):
        store.open(number)


def test_a_conversation_that_makes_no_sense_is_said(store: Store) -> None:
    number = put(store, "why?", "because")
    with store._writing() as connection:
        connection.execute("UPDATE messages SET parent = id")
    with pytest.raises(StoreError, match="makes no sense"):
        store.open(number)


def test_an_empty_conversation_is_gone_when_it_is_left(store: Store) -> None:
    draft = Session(draft="a dra")
    place = store.write(draft.snapshot(), writer="me")
    draft.draft = " \n"
    store.write(draft.snapshot(), place, writer="me")
    # Nor is it listed while it is in hand, or if nobody leaves it.
    assert store.summaries() == store.cut_off() == []
    assert store.latest() is None
    store.leave(place.id, "me")
    with pytest.raises(StoreError):
        store.summary(place.id)
    kept = Session(draft="not sent")
    place = store.write(kept.snapshot(), writer="me")
    store.leave(place.id, "me")
    assert store.open(place.id).draft == "not sent"


def test_lanes_are_siblings_in_one_tree(store: Store) -> None:
    tree = conversation("why?")
    lanes = [tree.fork() for _ in range(3)]
    for lane in lanes:
        lane.go_to(0)
    kept = Session(tree)
    answers = [lane.add("assistant") for lane in lanes]
    place = None
    for letter in "abc":
        for number, answer in enumerate(answers):
            answer.text += letter * (number + 1)
        place = store.write(kept.snapshot(), place, writer="me")
    for answer in answers:
        answer.finish = "stop"
    place = store.write(kept.snapshot(), place, writer="me")
    opened = store.open(place.id).conversation
    assert [each.text for each in opened.versions(opened.message(1))] == [
        "abc",
        "aabbcc",
        "aaabbbccc",
    ]
    assert isinstance(opened, Conversation)


def test_an_answer_that_ends_while_it_is_read_is_read_whole(
    file: Path, store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = session("why?")
    answer = kept.conversation.add("assistant", "because", model="pocket")
    kept.place = store.write(kept.snapshot(), writer=writer.name)
    pieces = rows._pieces

    def ended_meanwhile(connection: sqlite3.Connection, number: int) -> tuple[str, str]:
        answer.finish = "stop"
        store.write(kept.snapshot(), kept.place, writer=writer.name)
        return pieces(connection, number)

    with Store(file) as other:
        monkeypatch.setattr(rows, "_pieces", ended_meanwhile)
        assert texts(other.open(kept.place.id)) == ["why?", "because"]


def test_what_is_exported_is_of_one_moment(
    file: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = put(store, "why?", "because")
    summary = listing.summary

    def renamed_meanwhile(connection: sqlite3.Connection, conversation: int) -> Summary | None:
        store.rename(number, "another title")
        return summary(connection, conversation)

    with Store(file) as other:
        monkeypatch.setattr(listing, "summary", renamed_meanwhile)
        assert other.document(number).title == "why?"
    monkeypatch.setattr(listing, "summary", summary)
    assert store.document(number).title == "another title"


@pytest.mark.parametrize("step", ["_is_there", "_hit"])
def test_what_is_removed_while_it_is_looked_for_is_found_or_not(
    file: Path, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    numbers = [put(store, "a needle"), put(store, "another needle")]
    taken = getattr(Search, step)

    def removed_meanwhile(search: Search, *arguments: Any) -> Any:
        while numbers:
            store.remove(numbers.pop())
        return taken(search, *arguments)

    with Store(file) as other:
        monkeypatch.setattr(Search, step, removed_meanwhile)
        assert len(other.search("needle")) == 2
        assert other.search("needle") == []


def test_what_a_store_names_as_a_writer_is_not_removed(file: Path, store: Store) -> None:
    precious = file.parent.parent / "precious.txt"
    precious.write_text("mine")
    kept = session("why?")
    kept.conversation.add("assistant", "because")
    for name in (str(precious), "../../precious.txt"):
        store.writers.mkdir(exist_ok=True)
        store.write(kept.snapshot(), writer=name)
    assert len(store.cut_off()) == 2
    with Store(file):
        assert precious.read_text() == "mine"


def test_a_system_prompt_alone_is_kept(store: Store, writer: Writer) -> None:
    kept = Session(system="Be brief.")
    assert not kept.snapshot().is_empty
    place = store.write(kept.snapshot(), writer=writer.name)
    store.leave(place.id, writer.name)
    assert [each.title for each in store.summaries()] == ["Be brief."]
    assert store.open(place.id).system == "Be brief."


@pytest.mark.parametrize("reference", ["9" * 19, "9" * 5000])
def test_numbers_that_no_store_has_are_no_conversations(store: Store, reference: str) -> None:
    with pytest.raises(StoreError, match="no conversation"):
        store.named(reference)


def test_what_is_no_number_is_kept_as_none(store: Store) -> None:
    kept = session("why?", "because")
    kept.conversation.message(1).tps = float("nan")
    kept.conversation.message(1).decode_ms = float("inf")
    [_, answer] = store.open(store.write(kept.snapshot()).id).conversation.messages
    assert (answer.tps, answer.decode_ms) == (0.0, 0.0)


def test_titles_are_found_whatever_their_accents_and_capitals(store: Store) -> None:
    number = put(store, "Ärger im Café")
    assert store.named("ärger") == store.named("CAFE") == number
    store.delete(number)
    with pytest.raises(StoreError):
        store.named("ärger")
    assert store.named("ärger", deleted=True) == number


def test_a_moment_that_no_clock_shows_is_no_mistake(file: Path, store: Store) -> None:
    number = put(store, "from the end of time")
    with checked(store) as connection:
        connection.execute("UPDATE conversations SET updated = 9999999999999999, created = -1")
    assert as_text(store.document(number))
    assert as_markdown(store.document(number))
    assert local(store.summary(number).updated).year == 9999
