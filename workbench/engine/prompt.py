"""From a conversation to the tokens of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from workbench.engine import template, thinking
from workbench.engine.llama.model import Model
from workbench.engine.protocol import ChatMessage

# A noncharacter, which no text needs: it keeps apart what must not become a control token.
_MARK: Final = "\ufdd0"


class Prompts:
    """Turns messages into a model's tokens, and remembers how the last prompt ended."""

    def __init__(self, model: Model, values: dict[str, Any]) -> None:
        """``values`` holds every parameter. Raises TemplateError."""
        self._model = model
        self._source = template.chosen(values["chat_template"], model.chat_template())
        self._variables = template.variables(values)
        self.notes: list[str] = []
        self.opened: thinking.Section | None = None

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The prompt that asks for an answer, or for more of it if it ends with one.

        ``notes`` then says what was done to the messages, ``opened`` names the thinking
        section in which the answer begins. Raises TemplateError or DecodeError.
        """
        plain = [self._plain(message) for message in messages]
        begun = plain.pop() if plain and plain[-1].role == "assistant" else None
        model = self._model
        text, self.notes = template.render(
            self._source,
            plain,
            bos=model.token_text(model.bos),
            eos=model.token_text(model.eos),
            variables=self._variables,
        )
        self.opened = thinking.opened_by(text)
        if begun is not None:
            text += self._written(begun)
        tokens = self._tokenized(text)
        # Templates often write the BOS themselves.
        if model.adds_bos and tokens[:1] != [model.bos]:
            tokens.insert(0, model.bos)
        return tokens

    def _written(self, begun: ChatMessage) -> str:
        """An answer to go on with, thoughts and all."""
        section = self.opened or thinking.used_by(self._source or "")
        text = section.written(begun.thoughts, begun.content, is_open=self.opened is not None)
        if begun.content:
            self.opened = None
        elif begun.thoughts:
            self.opened = section
        return text

    def _plain(self, message: ChatMessage) -> ChatMessage:
        """The message with marks inside all that would become a control token."""
        return ChatMessage(
            message.role, self._marked(message.content), self._marked(message.thoughts)
        )

    def _marked(self, text: str) -> str:
        text = text.replace(_MARK, "")
        broken: set[str] = set()
        # Breaking one name may bring another to light that overlapped with it.
        while found := self._control_names(text) - broken:
            for name in found:
                text = text.replace(name, name[0] + _MARK + name[1:])
            broken |= found
        return text

    def _control_names(self, text: str) -> set[str]:
        model = self._model
        return {
            model.token_text(token) for token in set(model.tokenize(text)) if model.is_named(token)
        }

    def _tokenized(self, text: str) -> list[int]:
        """Tokens of ``text``, those of the marks in it left out.

        In one piece: a vocabulary may put a space before each piece it is given.
        """
        tokens = self._model.tokenize(text)
        if _MARK not in text:
            return tokens
        mark = _MARK.encode()
        pieces = [self._model.cached_piece(token).text for token in tokens]
        kept = []
        at = 0
        while at < len(tokens):
            ends = (end for end in range(at + 1, at + 4) if b"".join(pieces[at:end]) == mark)
            end = next(ends, None)
            if end is None:
                kept.append(tokens[at])
            at = end or at + 1
        return kept
