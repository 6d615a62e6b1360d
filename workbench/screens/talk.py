"""The conversation: what a person asks, and what the engine makes of it on the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from workbench.engine.protocol import ChatMessage, Finished, TextArrived
from workbench.panes.chat.conversation import ConversationReader
from workbench.screens.exchange import Author, Ended, Exchange
from workbench.sessions.conversation import Conversation, Message

Generate = Callable[[Sequence[ChatMessage]], Awaitable[int]]


class Talk:
    """Keeps the exchange and the transcript in step."""

    def __init__(
        self, exchange: Exchange, transcript: ConversationReader, generate: Generate
    ) -> None:
        """``generate`` asks the engine for an answer; it returns the request's number."""
        self.exchange = exchange
        self._transcript = transcript
        self._generate = generate

    @property
    def conversation(self) -> Conversation:
        """What has been said."""
        return self.exchange.conversation

    async def ask(
        self,
        text: str,
        *,
        instead_of: Message | None = None,
        known: Message | None = None,
        begun: str = "",
    ) -> Message:
        """Send a prompt, perhaps in the place of an earlier one; returns it.

        ``begun`` is how the answer begins, which the model goes on with.
        ``known`` is what another lane has asked: the same where both stand at the same place.
        """
        asked = self.exchange.ask(text, instead_of=instead_of, known=known, begun=begun)
        if instead_of is not None or len(self.conversation.versions(asked)) > 1:
            # The cursor is on what is said last.
            self._transcript.mark(None)
            self._transcript.show_path(self.conversation)
        else:
            self._transcript.ask(asked)
        await self._send()
        return asked

    async def ask_again(self, number: int) -> None:
        """Have a prompt answered once more; the earlier answer stays, a version of it."""
        self.exchange.ask_again(self.conversation.message(number))
        self._transcript.show_path(self.conversation)
        await self._send()

    async def go_on(self, number: int, text: str | None = None) -> None:
        """Have an answer gone on with, from ``text`` on if that is another beginning.

        ``number`` may be a prompt's, too. What is shown stays until there is more.
        """
        message = self.conversation.message(number)
        if message.role == "user":
            self.exchange.go_on(message, text or "", by_hand=True)
        elif message.parent is not None:
            prompt = self.conversation.message(message.parent)
            begun = message.text if text is None else text
            self.exchange.go_on(prompt, begun, message.thoughts, by_hand=text is not None)
        await self._send()

    async def _send(self) -> None:
        self.exchange.wait_for(await self._generate(self.exchange.messages()))

    def show_version(self, number: int, step: int) -> bool:
        """Show another version of a message; returns whether there is one."""
        message = self.conversation.message(number)
        versions = self.conversation.versions(message)
        index = versions.index(message) + step
        if len(versions) == 1 and step > 0 and message.id == self.conversation.leaf:
            # What came after it, before somebody went back to it.
            self.conversation.show(message)
            self._transcript.show_path(self.conversation)
            return self.conversation.leaf != message.id
        if not 0 <= index < len(versions):
            return False
        self.conversation.show(versions[index])
        self._transcript.show_path(self.conversation)
        self._mark(versions[index])
        return True

    def _mark(self, message: Message) -> None:
        # The last of the message's entries: thoughts come before the answer.
        [*_, entry] = [each for each in self._transcript.entries if each.message == message.id]
        self._transcript.mark(entry)

    def write(self, event: TextArrived, author: Author) -> None:
        """Text of the answer has come."""
        begins = self.exchange.answer is None and self.exchange.has_begun
        if begins:
            # It takes the place of what it goes on from.
            self._transcript.show_path(self.conversation)
        message = self.exchange.write(event, author)
        if begins:
            self._transcript.stream(message.thoughts, "", message=message)
            self._transcript.stream("", message.text, message=message)
        else:
            self._transcript.stream(event.thoughts, event.text, message=message)

    def finish(self, event: Finished) -> Ended:
        """The answer is complete; returns what got none, to be written anew."""
        answer = self.exchange.answer
        return self._over(answer, self.exchange.finish(event))

    def end(self, finish: str) -> Ended:
        """It ended otherwise; returns as ``finish`` does."""
        answer = self.exchange.answer
        return self._over(answer, self.exchange.end(finish))

    def _over(self, answer: Message | None, ended: Ended) -> Ended:
        self._transcript.close_answer(answer, self.conversation)
        if ended.back:
            # What was there before the prompt was written anew, or asked again, is back.
            self._transcript.show_path(self.conversation)
        return ended
