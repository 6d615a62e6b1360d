"""Conversations as they leave the tool and come into it: JSON.

A file holds one ``Document`` as a JSON object, or several in an array. Nothing is lost on the
way out and in again. What is read may also be OpenAI's: a list of messages with ``role`` and
``content``, an object with such a list as its ``messages`` (a request's body), several of either
in an array, or one on each line (JSON Lines).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final, Literal, NoReturn

import msgspec

from workbench.sessions.conversation import Conversation, Message, Moment, Role
from workbench.untrusted import without_controls

_FORMAT: Final = "workbench-conversation"
_VERSION: Final = 1
_ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
}
_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")


class DocumentError(ValueError):
    """What is to be imported is no conversation; the message says what is wrong."""


class Document(msgspec.Struct, kw_only=True):
    """A conversation. In JSON:

    - ``format``: always ``"workbench-conversation"``; ``version``: 1.
    - ``title``: text. ``pinned``: true or false.
    - ``created``, ``updated``: seconds of the epoch; 0 is not known.
    - ``system``: the conversation's system prompt. ``draft``: what was written and not sent.
    - ``messages``: a tree, in the order in which it grew. ``leaf``: the ``id`` of the message
      that the conversation ends with at present; null before there is any.

    A message has these keys; all but the first three may be left out and are then empty, 0, null:

    - ``id``: its place in ``messages``, from 0 on. ``parent``: the ``id`` of an earlier message
      that it follows, null at the root. Messages of one parent are versions of each other: a
      prompt that was written anew, an answer that was given again, the answers of lanes.
    - ``role``: ``"system"``, ``"user"`` or ``"assistant"``.
    - ``text``; ``thoughts``: what a model thought before.
    - ``at``: when it was begun, in seconds of the epoch.
    - ``finish``: why an answer ended: ``"stop"``, ``"length"``, ``"context"``, ``"cancelled"``,
      ``"failed"``, ``"died"``, ``"cut off"``, or another word.
    - ``model``: a model's name. ``model_file``: an object with ``path``, ``size`` in bytes,
      ``mtime_ns`` (when the file was last changed, nanoseconds of the epoch), ``sha256``.
    - ``parameters``: an object of all that differed from Workbench's defaults, by llama.cpp's
      names: numbers, booleans, texts, lists of texts. ``seed``: the one that was drawn by.
    - ``n_prompt``, ``n_cached``, ``n_tokens``: tokens of the prompt, of those the ones that were
      not read anew, and of the answer. ``n_ctx``: the context's length in tokens.
    - ``prompt_ms``, ``ttft_ms``, ``decode_ms``: milliseconds for the prompt, to the first
      token, and from that to the last. ``tps``: tokens per second after the first.
    - ``given``, ``given_thoughts``: how many characters of ``text`` and ``thoughts`` the model
      was given to go on with.
    """

    format: Literal["workbench-conversation"] = _FORMAT
    version: Literal[1] = _VERSION
    title: str = ""
    created: Moment = 0.0
    updated: Moment = 0.0
    pinned: bool = False
    system: str = ""
    draft: str = ""
    leaf: int | None = None
    messages: list[Message]

    def path(self) -> list[Message]:
        """The messages from the root to the leaf."""
        return Conversation(self.messages, self.leaf).path()


def as_json(documents: Iterable[Document]) -> str:
    """One document as an object, several as an array; indented, and with a line end."""
    listed = list(documents)
    encoded = msgspec.json.encode(listed[0] if len(listed) == 1 else listed)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def from_json(text: str) -> tuple[list[Document], list[str]]:
    """The conversations in ``text``, and sentences on what was left out of them.

    Control characters are removed from all texts. Raises DocumentError.
    """
    notes: list[str] = []
    found = _parsed(text)
    if isinstance(found, list) and not any(map(_is_message, found)):
        return [_document(each, notes) for each in found], notes
    return [_document(found, notes)], notes


# ---- JSON ------------------------------------------------------------------------------------


def _parsed(text: str) -> Any:
    try:
        return _clean(_loads(text))
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1:
            try:
                return [_clean(_loads(line)) for line in lines]
            except (ValueError, RecursionError):
                pass
        raise DocumentError(f"this is not JSON: {error}") from error
    except RecursionError:
        raise DocumentError("this is nested deeper than any conversation") from None


def _loads(text: str) -> Any:
    return json.loads(
        text.removeprefix("\ufeff"),
        parse_float=_float,
        parse_int=_int,
        parse_constant=_no_number,
    )


def _float(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _int(digits: str) -> int:
    return int(digits) if len(digits) < 20 else _no_number(digits)


def _no_number(digits: str) -> NoReturn:
    raise ValueError(f"{digits[:20]} is no number that can be kept")


def _clean(found: Any) -> Any:
    """The same without control characters in any text."""
    match found:
        case str():
            return without_controls(found)
        case list():
            return [_clean(each) for each in found]
        case dict():
            return {without_controls(key): _clean(value) for key, value in found.items()}
    return found


# ---- conversations ---------------------------------------------------------------------------


def _document(found: Any, notes: list[str]) -> Document:
    if isinstance(found, dict) and "format" in found:
        return _own(found)
    if isinstance(found, dict) and isinstance(found.get("messages"), list):
        title = found.get("title")
        return _openai(found["messages"], title if isinstance(title, str) else "", notes)
    if isinstance(found, list):
        return _openai(found, "", notes)
    raise DocumentError(
        "there is no conversation in it: it takes what Workbench exports as JSON, or a list of "
        'messages such as [{"role": "user", "content": "Hello"}]'
    )


def _own(found: dict[str, Any]) -> Document:
    version = found.get("version")
    if found["format"] == _FORMAT and isinstance(version, int) and version > _VERSION:
        raise DocumentError("it was written by a newer Workbench: update this one")
    try:
        document = msgspec.convert(found, Document)
        Conversation(document.messages, document.leaf)
    except ValueError as error:
        raise DocumentError(f"it is no conversation of Workbench's: {error}") from error
    for message in document.messages:
        if message.is_open:
            message.finish = "cut off"
    return document


def _is_message(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("role"), str)


def _openai(found: list[Any], title: str, notes: list[str]) -> Document:
    """A list of messages; system messages in front become the system prompt."""
    conversation = Conversation()
    system: list[str] = []
    n_left_out = 0
    for number, message in enumerate(found, 1):
        if not _is_message(message):
            raise DocumentError(f"message {number} has no role")
        role = _ROLES.get(message["role"])
        text, is_whole = _text(message.get("content"))
        thoughts = next(
            (message[key] for key in _THOUGHTS if isinstance(message.get(key), str)), ""
        )
        n_left_out += role is None or not is_whole or bool(message.get("tool_calls"))
        if role is None or not (text or thoughts):
            continue
        if role == "system" and not conversation.messages:
            system.append(text)
            continue
        added = conversation.add(role, text)
        added.at = 0.0
        if role == "assistant":
            added.thoughts, added.finish = thoughts, "imported"
    if not conversation.messages:
        raise DocumentError("there is not a message in it")
    if n_left_out:
        notes.append(
            f"What tools said, pictures and the like were left out of {n_left_out} "
            f"message{'s' * (n_left_out != 1)}."
        )
    return Document(
        title=title,
        system="\n\n".join(system),
        leaf=conversation.leaf,
        messages=conversation.messages,
    )


def _text(content: Any) -> tuple[str, bool]:
    """A message's text, and whether that is all of it."""
    if content is None or isinstance(content, str):
        return content or "", True
    parts = content if isinstance(content, list) else [content]
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in parts
        if isinstance(part, str | dict)
    ]
    good = [text for text in texts if isinstance(text, str)]
    return "\n".join(good), len(good) == len(parts)
