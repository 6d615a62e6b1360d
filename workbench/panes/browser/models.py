"""The list of models under a person's hands."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.panes.browser.keys import KEYS, Wish
from workbench.panes.choices import ChoicesByField
from workbench.panes.field import Field


class ModelFilter(Field):
    """What to look for among the models."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "down",
            "submit",
            "To the list",
            show=False,
            id="browser.found",
            tooltip="Go to what was found",
        ),
        Binding(
            "escape",
            "give_up",
            "List all",
            show=False,
            id="browser.give_up",
            tooltip="Look for nothing, and list all models",
        ),
    ]

    class GivenUp(Message):
        """Nothing is looked for any more."""

    def action_give_up(self) -> None:
        """Look for nothing."""
        self.post_message(self.GivenUp())


class ModelList(ChoicesByField):
    """The models, under headings."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    class Wished(Message):
        """Something is to be done with the model under the cursor."""

        def __init__(self, wish: Wish, option_id: str | None) -> None:
            super().__init__()
            self.wish = wish
            # The keys behind it may have moved the cursor by now.
            self.option_id = option_id

    class UndoWanted(Message):
        """The last removal is to be taken back."""

    class FilterWanted(Message):
        """What to look for is to be typed."""

    class FindWanted(Message):
        """Models are to be looked for on the Hub."""

    class AllWanted(Message):
        """Nothing is looked for any more."""

    def __init__(self) -> None:
        super().__init__(markup=False, compact=True)
        # Whether models are left out; Esc then lists them.
        self.filtered = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Esc is for the list only where something is left out of it."""
        return action != "show_all" or self.filtered

    def action_wish(self, wish: Wish) -> None:
        """Have something done with the model under the cursor."""
        option = self.highlighted_option
        self.post_message(self.Wished(wish, option.id if option else None))

    def action_undo(self) -> None:
        """Ask for the last removal to be taken back."""
        self.post_message(self.UndoWanted())

    def action_filter(self) -> None:
        """Ask for words to look for."""
        self.hand_over()
        self.post_message(self.FilterWanted())

    def action_find(self) -> None:
        """Ask for models on the Hub."""
        self.post_message(self.FindWanted())

    def action_show_all(self) -> None:
        """Look for nothing any more."""
        self.post_message(self.AllWanted())
