"""Judging lanes: blindly, by votes, and by where their answers differ."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from time import time

from textual import work

from workbench.parameters.lanes import LETTERS, MODEL, said
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

    A blind round begins with one conversation in all lanes: that of the lane that was
    foremost, and after a vote that of the best answer. So nothing tells them apart.
    """

    blind = False
    # Whether answers wait for a vote, and which lanes gave one.
    _due = False
    _judged: Sequence[Lane] = ()
    # Where all lanes go on from at the next prompt.
    _goes_on: Callable[[], int | None] | None = None

    @property
    def hidden(self) -> bool:
        """Whether it is kept quiet which lane sets what."""
        return self._due

    # ---- blind -------------------------------------------------------------------------------

    def action_blind(self) -> None:
        """Judge blindly from the next prompt on, or no longer."""
        if self.refuses():
            return
        if not self.blind and len(self.lanes) < 2:
            self.notify("That takes two lanes: F6 adds one.", severity="warning", timeout=3)
            return
        self.blind = not self.blind
        if self.blind:
            foremost = self.foremost
            self._goes_on = lambda: foremost.exchange.conversation.leaf
        else:
            self._reveal()
            self._goes_on = None
        self.notify(
            "From the next prompt on, lanes are shuffled and hidden until you vote (F2). "
            f"All go on from {self.foremost.letter}."
            if self.blind
            else "Lanes are named again; there was no vote.",
            timeout=4,
        )
        self.show_lanes()

    async def replace_lanes(self, lanes: Sequence[Lane]) -> None:
        """Other lanes go on from the chat."""
        self._due, self._goes_on = False, None
        await super().replace_lanes(lanes)

    def shuffle(self) -> None:
        """Before a prompt is sent: give lanes other places, and hide what they set."""
        if not self.blind:
            return
        if self._goes_on is not None:
            leaf = self._goes_on()
            for lane in self.lanes:
                lane.exchange.conversation.go_to(leaf)
        random.shuffle(self.lanes)
        for place, lane in enumerate(self.lanes):
            if self.columns.children[place] is not lane.column:
                self.columns.move_child(lane.column, before=place)
            lane.column.rename(LETTERS[place])
            lane.column.hide(True, lane.exchange.conversation)
            lane.column.transcript.show_anew(lane.exchange.conversation)
        self._due = True
        self.remove_class("-settings")
        self._foremost = 0
        self.parameters.use(self.foremost.chosen)
        self.show_lanes()

    def _reveal(self) -> None:
        self._due = False
        for lane in self.lanes:
            lane.column.hide(False, lane.exchange.conversation)
        self.show_lanes()
        self.refresh_bindings()

    def judge(self) -> None:
        """All have come to their end: with fewer than two answers there is nothing to judge."""
        self._judged = [lane for lane in self.lanes if lane.answered]
        if self._due and len(self._judged) < 2:
            self._reveal()
            self.notify("There are no two answers to judge: the lanes are named.", timeout=4)

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
        if self.refuses():
            return
        # They would lie over the ballot.
        self.app.clear_notifications()
        letters = [lane.letter for lane in self._judged]

        def voted(choice: Choice | None) -> None:
            if choice is not None:
                self._count(choice)

        self.app.push_screen(VoteScreen(letters), voted)

    def _count(self, choice: Choice) -> None:
        best = self._judged[choice if isinstance(choice, int) else 0]
        asked = [each for each in best.exchange.conversation.path() if each.role == "user"]
        before = asked[-1].parent if asked else None
        # As it is then: the best answer may be given once more meanwhile.
        self._goes_on = lambda: before if choice == "bad" else best.exchange.conversation.leaf
        vote = self._vote(choice)
        self._reveal()
        self._write(vote)
        if isinstance(choice, int):
            words = f"{best.letter} was best: {vote.settings[choice]}. All go on from it."
        elif choice == "tie":
            words = f"A tie: all go on from {best.letter}."
        else:
            words = "All bad: the next prompt takes the place of this one."
        self.notify(words, timeout=6, markup=False)

    def _vote(self, choice: Choice) -> Vote:
        """The vote, with what lanes set apart from the others and what they have in common."""
        apart = dict(zip(self.lanes, self.apart(), strict=True))
        models = {str(lane.named[MODEL]) for lane in self._judged}
        first = self._judged[0]
        common = {
            key: value
            for key, value in first.chosen.values.items()
            if key not in apart[first] and key != _CHANCE
        }
        return Vote(
            at=time(),
            model=models.pop() if len(models) == 1 else "several models",
            common=said(common),
            settings=[
                said({key: value for key, value in apart[lane].items() if key != _CHANCE})
                or "no difference"
                for lane in self._judged
            ],
            best=choice,
        )

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
        asked = self.foremost.asked
        lanes = [lane for lane in self.lanes if lane.answer and lane.asked == asked]
        if len(lanes) < 2 or self.foremost not in lanes:
            self.notify("That takes answers to one prompt in two lanes.", timeout=3)
            return
        # Where some are of another model, tokens would tell which.
        by_tokens = not self.hidden or len({lane.model for lane in self.lanes}) == 1
        self.app.push_screen(DifferencesScreen(self.foremost, lanes, by_tokens=by_tokens))
