"""The system prompt of a conversation: written, taken from the library, or put there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.panes.choices import Choices
from workbench.panes.editor import Editor
from workbench.panes.key_line import KeyLine
from workbench.screens.dialog import Dialog
from workbench.settings import systems
from workbench.settings.systems import SystemsError

_NONE: Final = "none, or the parameter's"


class SystemScreen(Dialog[str | None]):
    """Gives back the text; None if it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Use", id="system.accept", tooltip="Use it for this chat"),
        Binding("escape", "dismiss", "Cancel", id="system.cancel", tooltip="Leave it as it was"),
        Binding(
            "f4",
            "forget",
            "Remove",
            id="system.remove",
            tooltip="Remove what the cursor is on from the library",
        ),
    ]

    rows = getters.query_one(OptionList)
    editor = getters.query_one(Editor)
    field = getters.query_one(Input)

    def __init__(self, file: Path, text: str) -> None:
        """``file`` is the library, ``text`` what is in force."""
        super().__init__()
        self._file = file
        self._text = text
        self._prompts: dict[str, str] = {}
        # What has to be wished for twice, and was once.
        self._wish = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "System prompt of this conversation"
            yield Choices(markup=False, compact=True)
            editor = Editor(self._text, soft_wrap=True)
            editor.cursor_blink = False
            yield editor
            yield Input(
                placeholder="A name, to keep it in the library",
                compact=True,
                select_on_focus=False,
            )
            yield KeyLine()

    def on_mount(self) -> None:
        self._read()
        self._list()
        self.editor.move_cursor(self.editor.document.end)
        self.editor.focus()

    def _read(self) -> bool:
        """Read the library; False if it cannot be: then it must not be written over, either."""
        try:
            self._prompts = systems.load(self._file)
        except SystemsError as error:
            self._complain(error)
            return False
        return True

    def _list(self) -> None:
        self.rows.clear_options()
        self.rows.add_option(Option(_NONE))
        self.rows.add_options(Option(name, id=f":{name}") for name in self._prompts)
        self.rows.highlighted = next(
            (
                number
                for number, text in enumerate(self._prompts.values(), 1)
                if text == self.editor.text
            ),
            0,
        )

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        name = (event.option_id or "").removeprefix(":")
        self.editor.load_text(self._prompts.get(name, ""))
        self.editor.move_cursor(self.editor.document.end)
        self.field.value = name
        self.editor.focus()

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        event.stop()
        self._keep()

    def _keep(self) -> bool:
        """Keep the text in the library under the name; False if that cannot be."""
        name, text = self.field.value.strip(), self.editor.text.strip()
        if not name or not text:
            self.notify("It takes a text and a name.", severity="warning", timeout=3)
            return False
        if self._prompts.get(name, text) != text and not self._is_sure(
            f"save {name}", f"{name} says something else: Enter once more writes over it."
        ):
            return False
        if not (self._read() and self._write({**self._prompts, name: text})):
            return False
        self.notify(f"Kept in the library as {name}.", timeout=3, markup=False)
        return True

    def action_forget(self) -> None:
        """Remove the prompt under the cursor from the library."""
        option = self.rows.highlighted_option
        if option is not None and option.id is not None:
            name = option.id.removeprefix(":")
            if (
                self._is_sure(f"remove {name}", f"The same key once more removes {name}.")
                and self._read()
            ):
                self._write({each: text for each, text in self._prompts.items() if each != name})

    def _is_sure(self, wish: str, words: str) -> bool:
        """Whether it is wished for the second time; says that it is to be."""
        sure, self._wish = self._wish == wish, wish
        if sure:
            self._wish = ""
        else:
            self.notify(words, severity="warning", timeout=4, markup=False)
        return sure

    def _write(self, prompts: dict[str, str]) -> bool:
        try:
            systems.save(self._file, prompts)
        except SystemsError as error:
            self._complain(error)
            return False
        self._read()
        self._list()
        return True

    def action_accept(self) -> None:
        """Use the text for the conversation, and keep it if it has been given a new name."""
        name, text = self.field.value.strip(), self.editor.text.strip()
        if name and text and name not in self._prompts and not self._keep():
            return
        self.dismiss(self.editor.text.strip())

    def _complain(self, error: SystemsError) -> None:
        self.notify(str(error), severity="error", timeout=8, markup=False)
