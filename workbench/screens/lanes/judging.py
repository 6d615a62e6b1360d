"""Judging lanes: blindly, by votes, and by where their answers differ."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from time import time

from textual import work

from workbench.parameters.lanes import LETTERS, said
from workbench.screens.lanes.columns import ColumnsScreen
from workbench.screens.lanes.differences import DifferencesScreen
from workbench.screens.lanes.lane import Lane
from workbench.screens.lanes.votes import Choice, VoteScreen, VotesScreen
from workbench.sessions.votes import Vote, Votes
from workbench.settings import paths

# What tells no setting apart: chance.
_CHANCE = "seed"


class JudgingScreen(ColumnsScreen):
    """Shuffles lanes and hides which is which until a person has said which is best.

    After the vote all lanes go on from the answer that was best, so that at the next prompt
    nothing tells them apart again.
    """

    blind = False
    # Whether answers wait for a vote.
    _due = False
    # Where all lanes go on from; None as long as each has its own path.
    _common_leaf: tuple[int | None] | None = None

    @property
    def hidden(self) -> bool:
        """Whether it is kept quiet which lane sets what."""
        return self._due

    # ---- blind -------------------------------------------------------------------------------

    def action_blind(self) -> None:
        """Judge blindly from the next prompt on, or no longer."""
        if len(self.lanes) < 2:
            self.notify("That takes two lanes: F6 adds one.", severity="warning", timeout=3)
            return
        self.blind = not self.blind
        if not self.blind:
            self._reveal()
            self._common_leaf = None
        self.notify(
            "From the next prompt on, lanes are shuffled and hidden until you vote (F2)."
            if self.blind
            else "Lanes are named again; there was no vote.",
            timeout=4,
        )
        self.show_lanes()

    def shuffle(self) -> None:
        """Before a prompt is sent: give lanes other places, and hide what they set."""
        if not self.blind:
            return
        if self._common_leaf is not None:
            for lane in self.lanes:
                lane.exchange.conversation.go_to(*self._common_leaf)
        random.shuffle(self.lanes)
        for place, lane in enumerate(self.lanes):
            if self.columns.children[place] is not lane.column:
                self.columns.move_child(lane.column, before=place)
            lane.column.rename(LETTERS[place])
            lane.column.hide(True)
            lane.column.transcript.show_anew(lane.exchange.conversation)
        self._due = True
        self.remove_class("-settings")
        self.choose(self.lanes[0])
        self.show_lanes()

    def _reveal(self) -> None:
        self._due = False
        for lane in self.lanes:
            lane.column.hide(False)
            lane.column.transcript.show_anew(lane.exchange.conversation)
        self.show_lanes()

    def judge(self, answered: Sequence[Lane]) -> None:
        """All have come to their end: where nobody answered there is nothing to vote on."""
        if self._due and not answered:
            self._reveal()

    def refuses_blindly(self) -> bool:
        """Whether a vote is due first; says so."""
        if self._due:
            self.notify(
                "Vote first: F2. F12 names the lanes without a vote.", severity="warning", timeout=4
            )
        return self._due

    # ---- votes -------------------------------------------------------------------------------

    def action_vote(self) -> None:
        """Say which answer is best."""
        if any(lane.answering for lane in self.lanes):
            self.notify("The lanes are at work: Esc stops them.", severity="warning", timeout=3)
            return
        # They would lie over the ballot.
        self.app.clear_notifications()
        letters = [lane.letter for lane in self.lanes]

        def voted(choice: Choice | None) -> None:
            if choice is not None:
                self._count(choice)

        self.app.push_screen(VoteScreen(letters), voted)

    def _count(self, choice: Choice) -> None:
        best = self.lanes[choice if isinstance(choice, int) else 0]
        conversation = best.exchange.conversation
        leaf = conversation.leaf
        if choice == "bad":
            asked = [each for each in conversation.path() if each.role == "user"]
            leaf = asked[-1].parent if asked else None
        self._common_leaf = (leaf,)
        settings = [
            said({key: value for key, value in apart.items() if key != _CHANCE}) or "no difference"
            for apart in self.apart()
        ]
        self._reveal()
        vote = Vote(at=time(), model=self._model.stem, settings=settings, best=choice)
        self._write(vote)
        if isinstance(choice, int):
            words = f"{best.letter} was best: {settings[choice]}. All go on from it."
        else:
            words = (
                "A tie: all go on from A." if choice == "tie" else "All bad: none is gone on from."
            )
        self.notify(words, timeout=6, markup=False)

    @work(group="votes", description="write a vote", exit_on_error=False)
    async def _write(self, vote: Vote) -> None:
        try:
            await asyncio.to_thread(Votes(paths.votes()).add, vote)
        except OSError as error:
            reason = error.strerror or str(error)
            self.notify(f"The vote is not kept: {reason}.", severity="error", markup=False)

    def action_votes(self) -> None:
        """Show how settings fared in all votes."""
        self.app.push_screen(VotesScreen(Votes(paths.votes())))

    # ---- differences -------------------------------------------------------------------------

    def action_differences(self) -> None:
        """Show where the foremost lane and another differ."""
        lanes = [lane for lane in self.lanes if lane.answer]
        if len(lanes) < 2 or not self.foremost.answer:
            self.notify("That takes answers in two lanes.", severity="warning", timeout=3)
            return
        self.app.push_screen(DifferencesScreen(self.foremost, lanes))
