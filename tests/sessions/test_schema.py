from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.sessions.made import assert_sound, texts
from workbench.sessions import schema
from workbench.sessions.database import StoreError
from workbench.sessions.store import Store

_SCHEMAS = Path(__file__).parent / "schemas"


def made(file: Path, version: int) -> None:
    with sqlite3.connect(file) as connection:
        connection.executescript((_SCHEMAS / f"{version}.sql").read_text("utf-8"))
    connection.close()


def described(file: Path) -> set[tuple[str, str, str]]:
    with sqlite3.connect(file) as connection:
        found = set(connection.execute("SELECT type, name, sql FROM sqlite_schema"))
    connection.close()
    return found


def test_every_earlier_version_is_kept_here() -> None:
    kept = {int(file.stem) for file in _SCHEMAS.glob("*.sql")}
    assert kept == set(range(1, schema.VERSION))


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_earlier_store_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    earlier, new = tmp_path / "earlier.sqlite", tmp_path / "new.sqlite"
    made(earlier, version)
    with Store(earlier) as store:
        kept = store.open(7)
        assert texts(kept) == ["Why is the sky blue?", "Because of the air"]
        answer = kept.conversation.message(1)
        assert answer.finish == "cut off"
        assert answer.parameters == {"temperature": 0.0, "stop": ("x",)}
        assert answer.model_file is not None
        assert answer.model_file.path == "/models/pocket.gguf"
        assert [hit.message for hit in store.search("air")] == [1]
        kept.conversation.add("user", "And the sea?")
        store.write(kept.snapshot(), kept.place)
    Store(new).close()
    assert described(earlier) == described(new)
    assert_sound(earlier)


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_the_kept_text_of_a_version_is_what_made_it(tmp_path: Path, version: int) -> None:
    kept, fresh = tmp_path / "kept.sqlite", tmp_path / "fresh.sqlite"
    made(kept, version)
    connection = sqlite3.connect(fresh, isolation_level=None)
    schema.migrate(connection, to=version)
    connection.close()
    assert described(kept) == described(fresh)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    made(file, 1)
    with sqlite3.connect(file) as connection:
        # The last statement of the next version finds its name taken.
        connection.execute("CREATE TABLE holders (x)")
    connection.close()
    before = described(file)
    with pytest.raises(StoreError, match="holders"):
        Store(file)
    assert described(file) == before
    connection = sqlite3.connect(file)
    assert schema.version(connection) == 1
    connection.close()


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    Store(file).close()
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer Workbench"):
        Store(file)
