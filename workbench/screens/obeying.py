"""Does what the words in the prompt say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import Final

from textual import work

from workbench import whole
from workbench.models import library
from workbench.parameters.kinds import ParameterError
from workbench.parameters.table import BY_KEY
from workbench.screens import words
from workbench.screens.messages import NotKept
from workbench.screens.sessions.screen import Wanted
from workbench.screens.talking import TalkingScreen
from workbench.screens.words import Said
from workbench.sessions import documents, reading
from workbench.sessions.database import StoreError
from workbench.sessions.documents import Document, DocumentError
from workbench.sessions.listing import title_of
from workbench.sessions.store import Store

# False: it was not understood.
Outcome = bool | None

_ONLY_IDLE: Final = {"clear", "load", "model", "regenerate", "retry"}


class ObeyingScreen(TalkingScreen):
    """Takes words such as ``/clear`` from the prompt."""

    # Where models are looked for by name.
    folders: Sequence[Path] = ()

    async def use_model(self, model: Path) -> None:
        """Load this model, if it is not the present one, with its own preset."""
        raise NotImplementedError

    async def obey(self, said: Said) -> bool:
        """Do what a word says; False if it was not understood, and may be written otherwise."""
        word, rest = said
        acts: dict[str, Callable[[str], Outcome | Awaitable[Outcome]]] = {
            "begin": self._begin_next,
            "clear": lambda _: self.action_new_chat(),
            "exit": lambda _: self._exit(),
            "help": lambda _: self.chat.note(words.described()),
            "load": self._load_one,
            "model": self._use_named,
            "regenerate": lambda _: self._again(),
            "retry": lambda _: self._again(),
            "save": self._save,
            "set": self._set,
            "system": self._use_system,
        }
        if word not in acts:
            return self._complain(words.unknown(word))
        if word in _ONLY_IDLE and self.refuses():
            return False
        outcome = acts[word](rest)
        return (await outcome if isawaitable(outcome) else outcome) is not False

    async def _exit(self) -> None:
        await self.app.run_action("app.quit")

    def _begin_next(self, text: str) -> None:
        self.begun = text
        said = f"The next answer begins: {text}" if text else "It begins as the model likes."
        self.notify(said, timeout=4, markup=False)

    def _use_system(self, text: str) -> None:
        if text:
            self.use_system(text)
        else:
            self.action_system()

    def _load_one(self, name: str) -> None:
        if name:
            self._load_file(Path(name).expanduser())
        else:
            self.action_sessions()

    def _complain(self, words: str) -> bool:
        self.notify(words, severity="warning", timeout=8, markup=False)
        return False

    async def _again(self) -> bool:
        path = self.talk.conversation.path()
        if not path:
            return self._complain("Nothing has been asked yet.")
        await self.talk.ask_again(path[-1].id)
        return True

    async def _use_named(self, name: str) -> bool:
        if not name:
            self.go_to("browser")
            return True
        file = await asyncio.to_thread(library.resolve, name, self.folders)
        if not file.is_file():
            return self._complain(f"There is no model {name}: /model alone leads to the list.")
        await self.use_model(file)
        return True

    def _set(self, rest: str) -> bool:
        if not rest:
            self.go_to("parameters")
            return True
        key, _, text = rest.replace("=", " ", 1).partition(" ")
        if key not in BY_KEY:
            return self._complain(f"There is no parameter {key}: F3 leads to the list.")
        parameter = BY_KEY[key]
        try:
            value = parameter.parse(text.strip())
        except ParameterError as error:
            return self._complain(f"{error}.")
        self.parameters.set(key, value)
        self.notify(f"{key}: {parameter.text(value)}", timeout=3, markup=False)
        return True

    # ---- files -------------------------------------------------------------------------------

    def _save(self, name: str) -> bool:
        if not name:
            return self._complain("It is kept already: /save FILE writes it to a file, too.")
        conversation = self.session.conversation
        first = next((each.text for each in conversation.messages if each.role == "user"), "")
        document = Document(
            title=title_of(first),
            system=self.session.system,
            leaf=conversation.leaf,
            messages=conversation.messages,
        )
        file = Path(name).expanduser()
        match file.suffix.lower():
            case ".json":
                text = documents.as_json([document])
            case ".txt":
                text = reading.as_text(document)
            case _:
                text = reading.as_markdown(document)
        if file.exists():
            return self._complain(f"{file} is there already: give another name.")
        try:
            whole.write(file, text)
        except OSError as error:
            return self._complain(f"{file} cannot be written: {error.strerror or error}.")
        self.notify(f"Written to {file}.", timeout=4, markup=False)
        return True

    @work(group="sessions", description="take in a conversation", exit_on_error=False)
    async def _load_file(self, file: Path) -> None:
        try:
            numbers = await asyncio.to_thread(_taken_in, file, self.journal.file)
        except (StoreError, DocumentError, OSError, ValueError) as error:
            self.post_message(NotKept(f"{file} cannot be taken in: {error}"))
        else:
            if numbers:
                self._open(Wanted(numbers[0]))


def _taken_in(file: Path, store_file: Path) -> list[int]:
    found, _ = documents.from_json(file.read_bytes().decode("utf-8"))
    with Store(store_file) as store:
        return [store.add(document) for document in found]
