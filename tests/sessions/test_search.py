from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sessions.made import assert_sound, put, texts
from workbench.sessions.search import Hit
from workbench.sessions.store import Store

# Hypothesis runs a test many times within one fixture.
_FOLDER = tempfile.TemporaryDirectory(prefix="workbench-search-")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that is only looked at."""
    with Store(tmp_path_factory.mktemp("talk") / "sessions.sqlite") as store:
        put(store, "Why is the sky blue?", "Because air scatters blue light most.\n\nAnd so on.")
        put(store, "Blue, blue, blue?", "Yes.")
        put(store, "Où est le café naïve?", "夏目漱石は日本の小説家です。")
        put(store, "What is 100% of C++?", 'He said "to be or not to be" (Hamlet).')
        yield store


def marked(hit: Hit) -> str:
    return "".join(f"[{each.text}]" if each.is_hit else each.text for each in hit.snippet)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sky", ["Why is the [sky] blue?"]),
        ("SKY blue", ["Why is the [sky] [blue]?"]),
        ("scat", ["Because air [scatters] blue light most. And so on."]),
        ("cafe", ["Où est le [café] naïve?"]),
        ('"air scatters" most', ["Because [air scatters] blue light [most]. And so on."]),
        ('"scatters air"', []),
        ('"air scat"', []),
        ("小説家", ["夏目漱石は日本の[小説家]です。"]),
        ("moon", []),
        ("sky AND", []),
        ("sky OR moon", []),
        ("NOT sky", []),
        ("sky*", ["Why is the [sky] blue?"]),
        ("text:sky", []),
        ("sky -blue", ["Why is the [sky] [blue]?"]),
        ("100%", ["What is [100]% of C++?"]),
        ('"not to be', ['He said "to be or [not to be]" (Hamlet).']),
        ("(", []),
        ('"', []),
        ("", []),
        ("^ \\ ; '", []),
    ],
)
def test_plain_words_are_found(talk: Store, words: str, found: list[str]) -> None:
    phrases = [marked(hit).replace("] [", "] [") for hit in talk.search(words)]
    assert phrases == found


def test_the_best_comes_first_and_the_newest_among_equals(talk: Store, tmp_path: Path) -> None:
    assert [(hit.title, hit.message) for hit in talk.search("blue")] == [
        ("Blue, blue, blue?", 0),
        ("Why is the sky blue?", 0),
        ("Why is the sky blue?", 1),
    ]
    with Store(tmp_path / "equals.sqlite") as store:
        numbers = [put(store, "the same word") for _ in range(5)]
        assert [hit.conversation for hit in store.search("word")] == numbers[::-1]
        assert [hit.conversation for hit in store.search("word", limit=2)] == numbers[:2:-1]


@settings(deadline=None)
@given(st.text() | st.text(alphabet='ab"*()^:+-{}\\%_ NEAROT\x00\ud800'))
def test_whatever_is_typed_is_no_mistake(words: str) -> None:
    with Store(Path(_FOLDER.name) / "any.sqlite") as store:
        if not store.summaries():
            for text in ("a word of NEAR", "NOT 100% _of_ it: b*", "\\ {a} -T^(E) OR", "AND Ö R O"):
                put(store, text, text[::-1])
        for hit in store.search(words):
            assert hit.snippet
            assert hit.conversation in range(1, 5)


def test_titles_are_found_and_what_was_thought(tmp_path: Path) -> None:
    with Store(tmp_path / "sessions.sqlite") as store:
        named, said = put(store, "Hello", "Hi"), put(store, "A café", "Yes")
        store.rename(named, "The Café at the corner")
        kept = store.open(said)
        answer = kept.conversation.add("assistant", "Well.", model="pocket")
        answer.thoughts, answer.finish = "A quagga, perhaps?", "stop"
        store.write(kept.snapshot(), kept.place)
        title, prompt = store.search("cafe")
        assert (title.conversation, title.message, title.role) == (named, None, "title")
        assert (prompt.conversation, prompt.message, prompt.role) == (said, 0, "user")
        assert marked(store.search("corner")[0]) == "The Café at the [corner]"
        [thought] = store.search("quagga")
        assert (thought.message, marked(thought)) == (2, "A [quagga], perhaps?")
        store.delete(named)
        assert [hit.conversation for hit in store.search("cafe")] == [said]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["sky", "blue", "air", "café"]), min_size=1, max_size=3))
def test_words_that_are_said_are_found(said: list[str]) -> None:
    with Store(Path(_FOLDER.name) / "said.sqlite") as store:
        number = put(store, " so ".join(said))
        assert number in [hit.conversation for hit in store.search(" ".join(said), limit=10_000)]


def test_without_fts5_everything_is_read_instead(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    with Store(file, has_fts5=False) as store:
        first = put(
            store, "Why is the sky blue?", "Because.\nSo " + "far " * 40 + "a 100% BLUE light"
        )
        assert not store._search.has_index
        assert [hit.message for hit in store.search("blue")] == [1, 0]
        assert marked(store.search("blue")[1]) == "Why is the sky [blue]?"
        assert marked(store.search("100% blue")[0]).endswith("far a [100%] BLUE light")
        assert store.search("100% moon") == []
    # Another Python has it: what was said meanwhile is in the index, too.
    with Store(file) as store:
        assert store._search.has_index
        assert [hit.message for hit in store.search("sky")] == [0]
    with Store(file, has_fts5=False) as store:
        kept = store.open(first)
        kept.conversation.add("user", "And the sea?")
        store.write(kept.snapshot(), kept.place)
        assert texts(store.open(first))[-1] == "And the sea?"
    with Store(file) as store:
        assert [hit.message for hit in store.search("sea")] == [2]
    assert_sound(file)


def test_what_is_everywhere_is_weighed_where_it_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.sessions.search._WEIGHED", 10)
    with Store(tmp_path / "sessions.sqlite") as store:
        put(store, "word word word")
        numbers = [put(store, f"the word and more of it {number}") for number in range(12)]
        found = [hit.conversation for hit in store.search("word", limit=5)]
    assert found == numbers[:-6:-1]


def test_of_what_is_said_everywhere_the_newest_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.sessions.search._EVERYWHERE", 10)
    with Store(tmp_path / "sessions.sqlite") as store:
        for number in range(8):
            put(store, f"the word and more of it {number}")
        best = put(store, "word word word")
        newer = put(store, "the word once more, and more of it")
        assert [hit.conversation for hit in store.search("word", limit=2)] == [best, newer]
        newest = put(store, "and one more word, the last")
        assert [hit.conversation for hit in store.search("word", limit=3)] == [newest, newer, best]
        assert [hit.conversation for hit in store.search('"more word"', limit=3)] == [newest]
