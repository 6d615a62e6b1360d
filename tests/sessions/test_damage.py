"""What the journal does with a store that is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.sessions.made import Begin, assert_sound, damage, kept, put, session
from workbench.sessions.session import Session
from workbench.sessions.store import Store


def damage_messages(file: Path) -> None:
    """Overwrite the page that every message is reached by."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [page] = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'messages'"
    ).fetchone()
    connection.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\x5a" * 4096)


@pytest.mark.parametrize("how", ["no database at all", "damaged pages"])
def test_a_damaged_store_is_kept_aside_and_a_new_one_begun(
    file: Path, begin: Begin, troubles: list[str], how: str
) -> None:
    with Store(file) as store:
        put(store, "before", "it broke")
    if how == "damaged pages":
        damaged = damage(file)
    else:
        damaged = b"This is no database." * 1000
        file.write_bytes(damaged)
    journal, current = begin(), session("why?", "because")
    journal.keep_now(current)
    assert kept(file) == [["why?", "because"]]
    [aside] = file.parent.glob("sessions-damaged-*.sqlite")
    assert aside.read_bytes() == damaged
    [trouble] = troubles
    assert str(aside) in trouble
    assert "damaged" in trouble
    assert_sound(file)


def test_a_store_that_breaks_meanwhile_loses_nothing_that_is_open(
    file: Path, begin: Begin, troubles: list[str]
) -> None:
    with Store(file) as store:
        put(store, "before", "it broke")
    journal, current = begin(), Session(draft="why")
    journal.keep_now(current)
    damage_messages(file)
    current.draft = ""
    current.conversation.add("user", "why?")
    current.conversation.add("assistant", "because").finish = "stop"
    current.conversation.add("user", "and?")
    journal.keep_now(current)
    current.conversation.add("assistant", "so").finish = "stop"
    journal.keep_now(current)
    assert kept(file) == [["why?", "because", "and?", "so"]]
    assert len(list(file.parent.glob("sessions-damaged-*.sqlite"))) == len(troubles) == 1


def test_two_processes_that_find_the_damage_set_it_aside_once(
    file: Path, begin: Begin, troubles: list[str]
) -> None:
    first, second = begin(), begin()
    mine, theirs = Session(draft="mine"), Session(draft="theirs")
    first.keep_now(mine)
    second.keep_now(theirs)
    damage_messages(file)
    mine.conversation.add("user", "mine")
    theirs.conversation.add("user", "theirs")
    mine.conversation.add("assistant", "more").finish = "stop"
    first.keep_now(mine)
    theirs.conversation.add("assistant", "more").finish = "stop"
    second.keep_now(theirs)
    assert kept(file) == [["theirs", "more"], ["mine", "more"]]
    assert len(list(file.parent.glob("sessions-damaged-*.sqlite"))) == 1
    assert len(troubles) == 1


def damage_index(file: Path, where: str) -> None:
    other = sqlite3.connect(file)
    with other:
        other.execute(f"UPDATE words_data SET block = x'ffffffff' WHERE {where}")
    other.close()


# Up to 10 they say how the others are arranged.
@pytest.mark.parametrize("where", ["id > 10", "id <= 10", "true"])
def test_a_damaged_index_is_made_anew(
    file: Path, begin: Begin, troubles: list[str], where: str
) -> None:
    journal, current = begin(), session("why is the sky blue?")
    journal.keep_now(current)
    damage_index(file, where)
    with Store(file) as store:
        assert len(store.search("sky")) == 1
    damage_index(file, where)
    answer = current.conversation.add("assistant", "because")
    answer.finish = "stop"
    journal.keep_now(current)
    with Store(file) as store:
        assert len(store.search("sky")) == len(store.search("because")) == 1
    assert list(file.parent.glob("*damaged*")) == []
    assert troubles == []
    assert_sound(file)


def lose_index_entries(file: Path, *, double: bool) -> None:
    """Let an index be out of step with its table; ``double``: so that it cannot be made anew."""
    name = "conversations_touched"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    entry = connection.execute("SELECT * FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    connection.execute("DELETE FROM sqlite_schema WHERE name = ?", (name,))
    connection.close()
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"UPDATE conversations SET touched = {'7' if double else 'touched + 1000'}")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", entry)
    connection.close()


@pytest.mark.parametrize("double", [False, True])
def test_an_index_out_of_step_is_made_anew_or_the_store_kept_aside(
    file: Path, begin: Begin, troubles: list[str], double: bool
) -> None:
    with Store(file) as store:
        number = put(store, "before", "it broke")
        put(store, "before, too")
        current = store.open(number)
    lose_index_entries(file, double=double)
    journal = begin()
    current.conversation.add("user", "more")
    journal.keep_now(current)
    assert ["before", "it broke", "more"] in kept(file)
    if double:
        [trouble] = troubles
        [aside] = file.parent.glob("sessions-damaged-*.sqlite")
        assert str(aside) in trouble
    else:
        assert troubles == []
        assert len(kept(file)) == 2
        assert list(file.parent.glob("*damaged*")) == []
    current.conversation.add("assistant", "so").finish = "stop"
    journal.keep_now(current)
    assert_sound(file)
