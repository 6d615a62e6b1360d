"""A prompt and its answer, while the engine is at work on them."""

from __future__ import annotations

from time import perf_counter
from typing import Final, Literal

from workbench.engine.protocol import ChatMessage, TextArrived
from workbench.sessions.conversation import Conversation, Message

# Two presses of Esc in a row are a habit; one after this long is despair.
_PATIENCE_SECONDS: Final = 1.0


class Exchange:
    """The conversation, and what of it is still open.

    ``request`` is the number of the request that is under way: an answer's, or that of a
    model that is being loaded.
    """

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.request: int | None = None
        self._asked: Message | None = None
        self._answer: Message | None = None
        self._stop_asked: float | None = None

    @property
    def answering(self) -> bool:
        """Whether a prompt waits for the end of its answer."""
        return self._asked is not None

    def resume(self, conversation: Conversation) -> str:
        """Go on with ``conversation``; returns a prompt that got no answer, off the path now."""
        self.conversation = conversation
        path = conversation.path()
        if not path or path[-1].role != "user":
            return ""
        conversation.withdraw(path[-1])
        return path[-1].text

    def ask(self, text: str) -> list[ChatMessage]:
        """Add a prompt; returns what the model is to see."""
        self._asked = self.conversation.add("user", text)
        return [
            ChatMessage(each.role, each.text, each.thoughts) for each in self.conversation.path()
        ]

    def write(self, event: TextArrived, *, model: str) -> None:
        """Add to the answer."""
        if self._answer is None:
            self._answer = self.conversation.add("assistant", model=model)
        self._answer.text += event.text
        self._answer.thoughts += event.thoughts

    def stop(self) -> Literal["ask", "wait", "force"]:
        """What a wish to stop calls for: asking the engine, patience, or force."""
        if self._stop_asked is None:
            self._stop_asked = perf_counter()
            return "ask"
        return "force" if perf_counter() - self._stop_asked > _PATIENCE_SECONDS else "wait"

    def end(self, finish: str = "") -> str:
        """The request is over; returns a prompt that got no answer, withdrawn from the path."""
        self.request = None
        self._stop_asked = None
        asked, answer = self._asked, self._answer
        self._asked = self._answer = None
        if answer is not None:
            answer.finish = finish
        if asked is None or finish == "stop" or (answer and (answer.text or answer.thoughts)):
            return ""
        self.conversation.withdraw(asked)
        return asked.text
