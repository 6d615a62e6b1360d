"""Voting on answers, and how settings fared in all votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.panes.choices import Choices
from workbench.panes.key_line import KeyLine
from workbench.parameters.lanes import LETTERS
from workbench.screens.dialog import Dialog
from workbench.sessions.votes import Count, Votes, counted
from workbench.untrusted import without_controls

Choice = int | Literal["tie", "bad"]

_SETTING_WIDTH: Final = 34


class VoteScreen(Dialog[Choice | None]):
    """Gives back which lane is best, from 0; or that none is; None if there is no vote."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "No vote yet", id="vote.close", tooltip="Read on first"),
        *(
            Binding(
                letter.lower(),
                f"vote('{letter}')",
                show=False,
                id=f"vote.{letter}",
                tooltip=f"{letter} is best",
            )
            for letter in LETTERS
        ),
        Binding("t", "tie", show=False, id="vote.tie", tooltip="None is better than the others"),
        Binding("n", "bad", show=False, id="vote.bad", tooltip="All are bad"),
    ]

    def __init__(self, letters: Sequence[str]) -> None:
        super().__init__()
        self._letters = letters

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = "Which answer is best?"
            yield Choices(
                *(Option(f"{letter}  {letter} is best") for letter in self._letters),
                Option("T  a tie: none is better", id="tie"),
                Option("N  none: all are bad", id="bad"),
                markup=False,
                compact=True,
            )
            yield KeyLine()

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        match event.option_id:
            case "tie":
                self.action_tie()
            case "bad":
                self.action_bad()
            case _:
                self.action_vote(self._letters[event.option_index])

    def action_vote(self, letter: str) -> None:
        """That lane's answer is best."""
        if letter in self._letters:
            self.dismiss(self._letters.index(letter))

    def action_tie(self) -> None:
        """None is better."""
        self.dismiss("tie")

    def action_bad(self) -> None:
        """None is good."""
        self.dismiss("bad")


class VotesScreen(Dialog[None]):
    """A table of all votes, by setting."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,V", "dismiss", "Close", id="votes.close", tooltip="Close the table"),
    ]

    def __init__(self, votes: Votes) -> None:
        super().__init__()
        self._votes = votes
        self.text = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="pane") as pane:
            pane.border_title = "Votes"
            pane.border_subtitle = "Esc closes"
            table = self._table()
            self.text = table.plain
            yield Static(table, markup=False)

    def _table(self) -> Content:
        try:
            votes = self._votes.read()
        except OSError as error:
            return Content(f"The votes cannot be read: {error.strerror}.")
        counts = counted(votes)
        if not counts:
            return Content(
                "No votes yet between different settings. F12 hides which lane is which; after "
                "an answer F2 votes, and the settings are counted here."
            )
        lines: list[Content] = []
        place = None
        for count in counts:
            if (count.model, count.common) != place:
                place = (count.model, count.common)
                if lines:
                    lines.append(Content())
                lines.append(Content.styled(without_controls("  ".join(place)), "bold"))
                lines.append(Content.styled(_HEADING, "$foreground-muted"))
            lines += _row(count)
        lines += [
            Content(),
            Content.styled(
                "share: of the comparisons with each other setting that it won, a tie as half of "
                "one, so that chance alone makes 50 %; with the range that holds 95 % of the time.",
                "$foreground-muted",
            ),
        ]
        return Content("\n").join(lines)


_HEADING: Final = f"{'setting':{_SETTING_WIDTH}}  best  tied  worse  bad   share"


def _row(count: Count) -> list[Content]:
    first, *rest = Content(without_controls(count.setting)).wrap(_SETTING_WIDTH)
    share = "    -"
    if count.share is not None:
        low, high = count.between
        share = f"{count.share * 100:3.0f} %  {low * 100:.0f} to {high * 100:.0f}"
    figures = f"{count.best:4}  {count.tied:4}  {count.worse:5}  {count.bad:3}   {share}"
    return [
        Content.assemble(first.pad_right(_SETTING_WIDTH - first.cell_length), "  ", figures),
        *rest,
    ]
