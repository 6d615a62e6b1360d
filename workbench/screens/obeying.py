"""Does what the words in the prompt say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import Final

from workbench.models import library, marks
from workbench.screens import resumed, words
from workbench.screens.files import FilesScreen
from workbench.screens.words import Said
from workbench.sessions.session import Session
from workbench.settings import paths, systems
from workbench.settings.systems import SystemsError
from workbench.untrusted import is_file

# False: it was not understood.
Outcome = bool | None

_ONLY_IDLE: Final = {"clear", "load", "model", "regenerate", "retry"}


class ObeyingScreen(FilesScreen):
    """Takes words such as ``/clear`` from the prompt."""

    # Where models are looked for by name.
    folders: Sequence[Path] = ()

    def completed(self, text: str, asked: bool) -> Sequence[str]:
        """What a word that is being typed may become."""
        # What no terminal takes cannot be typed either.
        models = [model.name for model in self.browser.listed if model.name.isprintable()]
        names = list(_library()) if text.startswith("/system ") else []
        return words.completions(text, models=models, systems=names, files=asked)

    @property
    def present_model(self) -> Path:
        """The file of the model that answers, or is being loaded."""
        raise NotImplementedError

    def opened(self, session: Session) -> None:
        """Say if another model wrote it: to load that may take minutes, which nobody asked for."""
        used = marks.load(paths.model_marks()).used
        if said := resumed.other_model(session, self.present_model, used, self.browser.listed):
            self.chat.note(said)

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
            "load": self.load,
            "model": self._use_named,
            "regenerate": lambda _: self._again(),
            "retry": lambda _: self._again(),
            "save": self.save,
            "set": self._set,
            "system": self._use_system,
        }
        if word not in acts:
            return self.complain(words.unknown(word))
        if word in _ONLY_IDLE and self.refuses():
            return False
        outcome = acts[word](rest)
        return (await outcome if isawaitable(outcome) else outcome) is not False

    def _exit(self) -> None:
        # It is no draft, and what leaves must not be waited for here: it waits for the engine.
        self.chat.prompt.clear()
        self.app.call_later(self.app.run_action, "app.quit")

    def _begin_next(self, text: str) -> None:
        self.begun = text
        said = f"The next answer begins: {text}" if text else "It begins as the model likes."
        self.notify(said, timeout=4, markup=False)

    def _use_system(self, text: str) -> None:
        if text:
            self.use_system(_library().get(text, text))
        else:
            self.action_system()

    async def _again(self) -> bool:
        path = self.talk.conversation.path()
        if not path:
            return self.complain("Nothing has been asked yet.")
        if not self.was_asked(path[-1].id):
            return False
        await self.answer_again(path[-1].id)
        return True

    async def _use_named(self, name: str) -> bool:
        if not name:
            self.go_to("browser")
            return True
        file = await asyncio.to_thread(library.resolve, name, self.folders)
        if not is_file(file):
            return self.complain(f"There is no model {name}: /model alone leads to the list.")
        await self.use_model(file)
        return True

    def _set(self, rest: str) -> bool:
        if rest:
            return self.set_by_word(rest)
        self.go_to("parameters")
        return True


def _library() -> dict[str, str]:
    """The library of system prompts; what is wrong with it is told where it is shown."""
    try:
        return systems.load(paths.systems())
    except SystemsError:
        return {}
