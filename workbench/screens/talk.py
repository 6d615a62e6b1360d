"""The conversation: what a person asks, and what the engine makes of it on the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from workbench.engine.protocol import ChatMessage, Finished, TextArrived
from workbench.panes.chat.pane import ChatPane
from workbench.screens.exchange import Ended, Exchange
from workbench.sessions.conversation import Conversation, Message

Generate = Callable[[Sequence[ChatMessage]], Awaitable[int]]


class Talk:
    """Keeps the exchange and the chat pane in step."""

    def __init__(self, exchange: Exchange, chat: ChatPane, generate: Generate) -> None:
        """``generate`` asks the engine for an answer; it returns the request's number."""
        self.exchange = exchange
        self._chat = chat
        self._generate = generate

    @property
    def conversation(self) -> Conversation:
        """What has been said."""
        return self.exchange.conversation

    async def ask(self, text: str) -> None:
        """Send a prompt, perhaps in the place of an earlier one."""
        edited = self._chat.edited
        instead_of = self.conversation.message(edited) if edited is not None else None
        self._chat.prompt.clear()
        self._chat.stop_editing()
        asked = self.exchange.ask(text, instead_of=instead_of)
        if instead_of is not None:
            self._chat.show(self.conversation)
        else:
            self._chat.ask(asked)
        await self._send()

    async def ask_again(self, number: int) -> None:
        """Have a prompt answered once more; the earlier answer stays, a version of it."""
        self.exchange.ask_again(self.conversation.message(number))
        self._chat.show(self.conversation)
        await self._send()

    async def _send(self) -> None:
        self.exchange.request = await self._generate(self.exchange.messages())

    def edit(self, number: int) -> None:
        """Let an earlier prompt be written anew."""
        self._chat.edit(self.conversation.message(number))

    def show_version(self, number: int, step: int) -> bool:
        """Show another version of a message; returns whether there is one."""
        message = self.conversation.message(number)
        versions = self.conversation.versions(message)
        index = versions.index(message) + step
        if not 0 <= index < len(versions):
            return False
        self.conversation.show(versions[index])
        self._chat.show(self.conversation)
        self._mark(versions[index])
        return True

    def _mark(self, message: Message) -> None:
        # The last of the message's entries: thoughts come before the answer.
        transcript = self._chat.transcript
        [*_, entry] = [each for each in transcript.entries if each.message == message.id]
        transcript.mark(entry)

    def clear(self) -> None:
        """Begin a new conversation."""
        self.exchange.conversation = Conversation()
        self._chat.clear()

    def write(self, event: TextArrived, *, model: str) -> None:
        """Text of the answer has come."""
        message = self.exchange.write(event, model=model)
        self._chat.stream(event.thoughts, event.text, message=message)

    def finish(self, event: Finished) -> None:
        """The answer is complete."""
        answer = self.exchange.answer
        self._over(answer, self.exchange.finish(event))

    def end(self, finish: str) -> None:
        """It ended otherwise. A prompt that got no answer goes back to where it was written."""
        answer = self.exchange.answer
        self._over(answer, self.exchange.end(finish))

    def _over(self, answer: Message | None, ended: Ended) -> None:
        self._chat.close_answer(answer, self.conversation)
        if ended.back:
            # What was there before the prompt was written anew, or asked again, is back.
            self._chat.show(self.conversation)
        if ended.unanswered:
            self._chat.take_back(ended.unanswered)
