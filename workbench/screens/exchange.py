"""A prompt and its answer, while the engine is at work on them."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Final, Literal, NamedTuple

from workbench.engine.protocol import ChatMessage, Finished, TextArrived
from workbench.parameters.kinds import Value, Values
from workbench.parameters.table import BY_KEY
from workbench.sessions.conversation import Conversation, Message, ModelFile

# Two presses of Esc in a row are a habit; one after this long is despair.
_PATIENCE_SECONDS: Final = 1.0


class Ended(NamedTuple):
    """How an exchange ended: a prompt that got no answer, and whether the path went back.

    It goes back where a prompt took another's place, or was asked again, in vain. ``begun`` is
    the beginning of an answer that a person wrote, and that was not gone on with: of that to
    the prompt ``of`` if that was asked before.
    """

    unanswered: str = ""
    back: bool = False
    begun: str = ""
    of: Message | None = None


class Author(NamedTuple):
    """The model that answers; ``defaults`` are the parameters that its file sets by itself."""

    name: str
    file: Path
    defaults: Values


class Exchange:
    """The conversation, and what of it is still open.

    ``request`` is the number of the request that is under way: an answer's, or that of a
    model that is being loaded.
    """

    def __init__(self, conversation: Conversation | None = None) -> None:
        self.conversation = conversation or Conversation()
        self.request: int | None = None
        self._asked: Message | None = None
        self._answer: Message | None = None
        # Where the path ended before, and what the prompt is to it.
        self._before: int | None = None
        self._way: Literal["next", "instead", "again"] = "next"
        self._stop_asked: float | None = None
        # What the answer goes by, and who writes it.
        self._values: dict[str, Value] = {}
        self._author: Author | None = None
        # Thoughts and text that the model is given to go on with; whether a person wrote that.
        self._begun = ("", "")
        self._by_hand = False

    @property
    def answering(self) -> bool:
        """Whether a prompt waits for the end of its answer."""
        return self._asked is not None

    @property
    def answer(self) -> Message | None:
        """What has come of the answer."""
        return self._answer

    @property
    def settled(self) -> int | None:
        """Where the path ended before what is still open."""
        return self._before if self.answering else self.conversation.leaf

    def resume(self, conversation: Conversation) -> str:
        """Go on with ``conversation``; returns a prompt that got no answer, off the path now.

        One that was asked again in vain shows what it was answered before.
        """
        self.conversation = conversation
        path = conversation.path()
        if not path or path[-1].role != "user":
            return ""
        prompt = path[-1]
        conversation.show(prompt)
        if conversation.leaf != prompt.id:
            return ""
        conversation.go_to(prompt.parent)
        return prompt.text

    def messages(self) -> list[ChatMessage]:
        """What the model is to see."""
        thoughts, text = self._begun
        begun = [ChatMessage("assistant", text, thoughts)] if self.has_begun else []
        return [
            *(
                ChatMessage(each.role, each.text, each.thoughts)
                for each in self.conversation.path()
            ),
            *begun,
        ]

    @property
    def unsaid(self) -> str:
        """What a person wrote as the beginning of an answer that has not begun yet."""
        return self._begun[1] if self._by_hand and self._answer is None else ""

    @property
    def has_begun(self) -> bool:
        """Whether the model is to go on with an answer that somebody has begun."""
        return any(self._begun)

    def ask(
        self,
        text: str,
        *,
        instead_of: Message | None = None,
        known: Message | None = None,
        begun: str = "",
    ) -> Message:
        """Add a prompt at the end, or beside one that it takes the place of.

        ``begun`` is how the answer begins, which the model is to go on with.

        ``known`` is that prompt if another path of the tree has added it already.
        """
        self._before = self.conversation.leaf
        self._begun, self._by_hand = ("", begun), bool(begun)
        self._way = "instead" if instead_of is not None else "next"
        if instead_of is not None:
            self.conversation.go_to(instead_of.parent)
        if known is not None:
            self.conversation.go_to(known.id)
            self._asked = known
        else:
            self._asked = self.conversation.add("user", text)
        return self._asked

    def ask_again(self, message: Message) -> None:
        """Have a prompt answered anew: ``message`` is that prompt, or an answer to it."""
        if message.role == "assistant" and message.parent is not None:
            message = self.conversation.message(message.parent)
        self._before = self.conversation.leaf
        self._way = "again"
        self.conversation.go_to(message.id)
        self._asked = message

    def go_on(
        self, prompt: Message, text: str, thoughts: str = "", *, by_hand: bool = False
    ) -> None:
        """Have an answer to ``prompt`` gone on with that begins so; it is a version of its own.

        ``by_hand``: a person wrote that for it.
        """
        self.ask_again(prompt)
        self._begun, self._by_hand = (thoughts, text), by_hand

    def go_by(self, values: Values) -> None:
        """The answer is to be drawn by these parameters: all that differ from the defaults."""
        self._values = dict(values)

    def adjust(self, values: Values) -> None:
        """It goes on by these: what may not change in mid-answer stays."""
        kept = {key: value for key, value in self._values.items() if BY_KEY[key].acts != "live"}
        live = {key: value for key, value in values.items() if BY_KEY[key].acts == "live"}
        self._values = kept | live
        if self._answer is not None:
            self._answer.parameters = self._parameters()

    def _parameters(self) -> dict[str, Value]:
        """All that differ from the table's defaults."""
        defaults = self._author.defaults if self._author else {}
        everything = {**defaults, **self._values}
        return {key: each for key, each in everything.items() if each != BY_KEY[key].default}

    def write(self, event: TextArrived, author: Author) -> Message:
        """Add to the answer; returns it."""
        if self._answer is None:
            self._author = author
            self._answer = self.conversation.add("assistant", model=author.name)
            self._answer.model_file = ModelFile.of(author.file)
            self._answer.parameters = self._parameters()
            # Should it be cut off, it can be given once more.
            self._answer.seed = event.seed
            thoughts, text = self._begun
            self._answer.thoughts, self._answer.text = thoughts, text
            self._answer.given_thoughts, self._answer.given = len(thoughts), len(text)
        self._answer.text += event.text
        self._answer.thoughts += event.thoughts
        self._answer.n_tokens = event.n_tokens
        return self._answer

    def finish(self, event: Finished) -> Ended:
        """The answer is complete; returns as ``end`` does."""
        answer, timings = self._answer, event.timings
        if answer is not None:
            answer.seed = event.seed
            answer.n_tokens = timings.completion_tokens
            answer.tps = timings.tps
            answer.n_prompt = timings.prompt_tokens
            answer.n_cached = timings.cached_tokens
            answer.n_ctx = timings.n_ctx
            answer.prompt_ms = timings.prompt_ms
            answer.ttft_ms = timings.ttft_ms
            answer.decode_ms = timings.decode_ms
        return self.end(event.reason)

    def stop(self) -> Literal["ask", "wait", "force"]:
        """What a wish to stop calls for: asking the engine, patience, or force."""
        if self._stop_asked is None:
            self._stop_asked = perf_counter()
            return "ask"
        return "force" if perf_counter() - self._stop_asked > _PATIENCE_SECONDS else "wait"

    def wait_for(self, request: int) -> None:
        """The engine is at work on ``request``; nobody has wished that it stops."""
        self.request = request
        self._stop_asked = None

    def end(self, finish: str = "") -> Ended:
        """The request is over; a path that led to no answer is left again."""
        self.request = None
        self._stop_asked = None
        asked, answer, begun = self._asked, self._answer, self.unsaid
        self._asked = self._answer = None
        self._begun, self._by_hand = ("", ""), False
        if answer is not None:
            answer.finish = finish
        if asked is None or (answer and (answer.text or answer.thoughts)):
            return Ended()
        if self._way == "again":
            self.conversation.go_to(self._before)
            return Ended(back=True, begun=begun, of=asked)
        if finish == "stop":
            return Ended()
        self.conversation.go_to(self._before)
        return Ended(asked.text, back=self._way == "instead", begun=begun)
