"""What a person says, and what is done with what has been said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from textual import on

from workbench.engine.protocol import ChatMessage
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.screens.comparing import ComparingScreen
from workbench.screens.talk import Talk


class TalkingScreen(ComparingScreen):
    """Sends prompts, and takes up the conversation at any of its messages."""

    @cached_property
    def talk(self) -> Talk:
        """The conversation on the screen."""
        return Talk(self.exchange, self.chat.transcript, self.generate)

    async def generate(self, messages: Sequence[ChatMessage]) -> int:
        """Ask the engine for an answer; returns the request's number."""
        raise NotImplementedError

    @on(Prompt.Submitted)
    async def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        # What is sent while the lanes come is theirs.
        if self.lanes is not None or self.refuses():
            return
        edited = self.chat.edited
        self.chat.prompt.clear()
        self.chat.stop_editing()
        instead_of = self.talk.conversation.message(edited) if edited is not None else None
        await self.talk.ask(event.text, instead_of=instead_of)

    @on(Reader.EditWanted)
    def _edit(self, event: Reader.EditWanted) -> None:
        event.stop()
        if not self.refuses():
            self.chat.edit(self.talk.conversation.message(event.message))

    @on(Reader.RegenerateWanted)
    async def _answer_again(self, event: Reader.RegenerateWanted) -> None:
        event.stop()
        if not self.refuses():
            await self.talk.ask_again(event.message)

    @on(Reader.VersionWanted)
    def _show_version(self, event: Reader.VersionWanted) -> None:
        event.stop()
        if self.refuses():
            return
        if not self.talk.show_version(event.message, event.step):
            self.notify("There is no other version that way.", timeout=2)
        self.keep()
