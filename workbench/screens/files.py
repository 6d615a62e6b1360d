"""Conversations go out into files, and come in from there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from textual import work

from workbench import whole
from workbench.screens.messages import FilesTaken, FileWritten
from workbench.screens.sessions.screen import Wanted
from workbench.screens.talking import TalkingScreen
from workbench.sessions import documents
from workbench.sessions.database import StoreError
from workbench.sessions.documents import Document, DocumentError
from workbench.sessions.listing import title_of
from workbench.sessions.store import Store
from workbench.untrusted import is_file, is_there, named_file

_ENDINGS: Final = "Give the file an ending: .md, .json, .txt, or .py for a script."


class FilesScreen(TalkingScreen):
    """Does what ``/save`` and ``/load`` say."""

    def save(self, name: str) -> bool:
        """Write the conversation to a file; False if that cannot be."""
        # Only here: it knows of chat templates, which takes a while.
        from workbench.screens.exporting import form_of

        if not name:
            return self.complain("It is kept already: /save FILE writes it to a file, too.")
        file = named_file(name)
        if form_of(file) is None:
            return self.complain(_ENDINGS)
        if is_there(file):
            return self.complain(f"{file} is there already: give another name.")
        if not is_there(file.parent):
            return self.complain(f"There is no folder {file.parent}.")
        if self.session.snapshot().is_empty:
            return self.complain("Nothing has been said yet.")
        self.keep()
        self._write_out(file, self._document())
        return True

    def _document(self) -> Document:
        """The conversation as it stands here."""
        conversation = self.session.conversation
        first = next((each.text for each in conversation.messages if each.role == "user"), "")
        snapshot = self.session.snapshot()
        return Document(
            title=title_of(first),
            system=snapshot.system,
            draft=snapshot.draft,
            leaf=snapshot.leaf,
            messages=snapshot.messages,
        )

    @work(group="files", description="write a conversation to a file", exit_on_error=False)
    async def _write_out(self, file: Path, document: Document) -> None:
        try:
            await asyncio.to_thread(
                _write, file, document, store_file=self.journal.file, number=self.session.id
            )
        except OSError as error:
            problem = f"{file} cannot be written: {error.strerror or error}."
        except ValueError as error:
            problem = f"{file} is not written: {error}."
        else:
            problem = ""
        self.post_message(FileWritten(file, problem))

    def on_file_written(self, message: FileWritten) -> None:
        """Say so."""
        if message.problem:
            self.complain(message.problem)
        else:
            self.notify(f"Written to {message.file}.", timeout=4, markup=False)

    def load(self, name: str) -> bool:
        """Take in the conversations of a file, or list all; False if that cannot be."""
        if not name:
            self.action_sessions()
            return True
        file = named_file(name)
        if not is_file(file):
            return self.complain(f"There is no file {file}.")
        self._take_in(file)
        return True

    @work(group="files", description="take in conversations", exit_on_error=False)
    async def _take_in(self, file: Path) -> None:
        problem, notes, numbers = "", list[str](), list[int]()
        try:
            numbers, notes = await asyncio.to_thread(_taken_in, file, self.journal.file)
        except OSError as error:
            problem = f"{file} cannot be read: {error.strerror or error}."
        except UnicodeDecodeError:
            problem = f"{file} is no text in UTF-8."
        except DocumentError as error:
            problem = f"{file} cannot be taken in: {error}."
        except StoreError as error:
            problem = f"{file} cannot be taken in. {error}"
        self.post_message(FilesTaken(file, numbers, notes, problem))

    def on_files_taken(self, message: FilesTaken) -> None:
        """Open the first of them, and say what else there is to say."""
        if message.problem:
            self.chat.note(message.problem, error=True)
            return
        notes, n_more = list(message.notes), len(message.numbers) - 1
        if n_more:
            notes.append(f"{n_more} more of {message.file} are kept: F7 lists them.")
        if message.numbers and (self.lanes is not None or self.exchange.answering):
            # What is under way goes on in the conversation that is open.
            self.notify(f"{message.file} is taken in: F7 lists it.", timeout=4, markup=False)
        elif message.numbers:
            self.open(Wanted(message.numbers[0], notes=tuple(notes)))


def _write(file: Path, document: Document, *, store_file: Path, number: int | None) -> None:
    """Write a conversation, with all that the store knows of it beside what is said."""
    from workbench.screens.exporting import form_of, written

    form = form_of(file)
    assert form is not None
    if number is not None:
        try:
            with Store(store_file) as store:
                known = store.document(number)
        except StoreError:
            # What is here is worth the more.
            pass
        else:
            document.title, document.pinned = known.title, known.pinned
            document.created, document.updated = known.created, known.updated
    whole.write(file, written([document], form))


def _taken_in(file: Path, store_file: Path) -> tuple[list[int], list[str]]:
    found, notes = documents.from_json(file.read_bytes().decode("utf-8"))
    if not found:
        raise DocumentError("there is not a conversation in it")
    with Store(store_file) as store:
        return [store.add(document) for document in found], notes
