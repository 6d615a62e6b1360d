"""What a person says, and what is done with what has been said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from textual import on

from workbench.engine.protocol import ChatMessage
from workbench.panes.chat.pane import ChatPane
from workbench.panes.chat.prompt import Prompt
from workbench.panes.chat.reader import Reader
from workbench.parameters.kinds import Value
from workbench.screens import words
from workbench.screens.comparing import ComparingScreen
from workbench.screens.exchange import Ended
from workbench.screens.systems import SystemScreen
from workbench.screens.talk import Talk
from workbench.screens.words import Said
from workbench.sessions.session import Session
from workbench.settings import paths
from workbench.untrusted import without_controls


class TalkingScreen(ComparingScreen):
    """Sends prompts, and takes up the conversation at any of its messages."""

    # How the next answer is to begin.
    begun = ""

    async def obey(self, said: Said) -> bool:
        """Do what a word in the prompt says; False if it may be written otherwise."""
        raise NotImplementedError

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
        if self.lanes is not None:
            # What is sent while the lanes come is theirs.
            theirs = self.lanes.prompt if self.lanes.is_there else self.chat.prompt
            theirs.take_back(event.text)
            return
        if self.chat.edited is None and (said := words.read(event.text)) is not None:
            if not await self.obey(said):
                self.chat.prompt.take_back(event.text)
            return
        if self.refuses():
            self.chat.prompt.take_back(event.text)
            return
        edited, begins = self.chat.edited, self.chat.begins
        self.chat.stop_editing(sent=True)
        if edited is not None and begins:
            await self.talk.go_on(edited, event.text)
            return
        instead_of = self.talk.conversation.message(edited) if edited is not None else None
        begun, self.begun = self.begun, ""
        await self.talk.ask(event.text, instead_of=instead_of, begun=begun)

    @on(Reader.EditWanted)
    def _edit(self, event: Reader.EditWanted) -> None:
        event.stop()
        if not self.refuses():
            self.chat.edit(self.talk.conversation.message(event.message))

    @on(Reader.RegenerateWanted)
    async def _answer_again(self, event: Reader.RegenerateWanted) -> None:
        event.stop()
        if not self.refuses() and self.was_asked(event.message):
            await self.answer_again(event.message)

    async def answer_again(self, number: int) -> None:
        """Have a prompt, or that of an answer, answered anew; as it was said to begin."""
        begun, self.begun = self.begun, ""
        if not begun:
            await self.talk.ask_again(number)
            return
        message = self.talk.conversation.message(number)
        prompt = message.parent if message.role == "assistant" else number
        assert prompt is not None
        await self.talk.go_on(prompt, begun)

    def use(self, session: Session) -> None:
        """Go on with another conversation: how an answer was to begin was of this one."""
        self.begun = ""
        super().use(session)

    @on(ChatPane.GoOnWanted)
    async def _go_on(self, event: ChatPane.GoOnWanted) -> None:
        event.stop()
        if not self.refuses() and self.was_asked(event.message):
            await self.talk.go_on(event.message)

    def was_asked(self, number: int) -> bool:
        """Whether a message is a prompt or an answer to one; says so if not."""
        return self.was_asked_in(self.talk.conversation, number)

    @on(ChatPane.BeginWanted)
    def _begin(self, event: ChatPane.BeginWanted) -> None:
        event.stop()
        if not self.refuses() and self.was_asked(event.message):
            self.chat.begin(self.talk.conversation.message(event.message))

    def begin_anew(self, ended: Ended) -> None:
        """Put the beginning of an answer that did not come back where it was written."""
        if ended.of is None:
            self.begun = ended.begun
            self.notify(f"The next answer begins: {ended.begun}", timeout=4, markup=False)
        elif self.chat.edited is None:
            self.chat.begin(ended.of)
            self.chat.prompt.write(ended.begun)
        else:
            # Something else is being written anew by now.
            self.chat.take_back(ended.begun)

    @on(ChatPane.BranchWanted)
    def _branch(self, event: ChatPane.BranchWanted) -> None:
        event.stop()
        if self.refuses():
            return
        message = self.talk.conversation.message(event.message)
        if message.role == "user":
            # Another prompt in its place.
            self.chat.edit(message)
            return
        self.talk.conversation.go_to(message.id)
        self.chat.transcript.show_path(self.talk.conversation)
        self.keep()
        self.go_to("chat")
        self.notify("The next prompt goes on from here; l on the answer leads back.", timeout=4)

    # ---- the system prompt -------------------------------------------------------------------

    @property
    def values(self) -> dict[str, Value]:
        """The parameters in force: the conversation's own system prompt comes before theirs."""
        system = {"system": self.session.system} if self.session.system else {}
        return {**self._chosen.values, **system}

    def action_system(self) -> None:
        """Write the conversation's system prompt, or take one from the library."""
        self.app.push_screen(SystemScreen(paths.systems(), self.session.system), self.use_system)

    def use_system(self, text: str | None) -> None:
        """Let ``text`` be the conversation's system prompt; without it the parameter's is."""
        if text is None or text == self.session.system:
            return
        self.session.system = without_controls(text)
        self.keep()
        said = f"System prompt: {text}" if text else "No system prompt of its own."
        self.chat.note(said)

    @on(Reader.VersionWanted)
    def _show_version(self, event: Reader.VersionWanted) -> None:
        event.stop()
        if self.refuses():
            return
        if not self.talk.show_version(event.message, event.step):
            self.notify("There is no other version that way.", timeout=2)
        self.keep()
