"""From the bytes of tokens to text that may be shown."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from typing import Final

from workbench.engine.thinking import SECTIONS, Section
from workbench.untrusted import without_controls

# Control tokens stand for no text, but some of them mark sections. Until they have been
# looked at their names travel in characters of a private plane, where no text comes from; of
# those that are not ASCII, as all marks are, nothing does.
_PRIVATE: Final = 0x10F000
_TO_PRIVATE: Final = {code: _PRIVATE + code for code in range(0x80)}
_FROM_PRIVATE: Final = {_PRIVATE + code: code for code in range(0x80)}
_WITHOUT_PRIVATE: Final[dict[int, None]] = dict.fromkeys(_FROM_PRIVATE)

_BY_OPENING: Final = {section.opens: section for section in SECTIONS}
_OPENINGS: Final = (*_BY_OPENING, *(section.bare for section in SECTIONS if section.bare))


class TextFilter:
    """Turns one answer's token bytes into text and thoughts, piece by piece.

    - A character may span tokens: its bytes are held back until it is whole. Bytes that
      never become one are shown as U+FFFD.
    - Thinking sections are told apart from the answer. They are looked for where they can
      be: before the first word of the answer, and where the prompt left one open.
    - The answer ends before the first stop string. Thoughts are not looked at.
    - What a terminal would act on is removed.

    ``thoughts`` and ``text`` gather what is certain; ``take`` hands it over.
    """

    def __init__(self, stop: Sequence[str] = (), *, opened: Section | None = None) -> None:
        """``opened`` is the section in which the answer begins."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(stop)
        self._section = opened
        self._at_start = True
        # Line ends next to a section's marks belong to the marks.
        self._trim = opened is not None
        self._held = ""
        self._thoughts: list[str] = []
        self._text: list[str] = []
        self.stopped = False

    @property
    def thinking(self) -> bool:
        """Whether a thinking section is open."""
        return self._section is not None

    def feed(self, piece: bytes, *, control: bool = False) -> None:
        """Add a token's bytes; of a control token its name."""
        if control:
            name = piece.decode("ascii").translate(_TO_PRIVATE) if piece.isascii() else ""
            self._add(self._decoder.decode(b"", final=True) + name)
        elif piece:
            self._add(self._decoder.decode(piece))

    def finish(self) -> None:
        """Let go of what was held back: no more will come."""
        self._add(self._decoder.decode(b"", final=True), last=True)

    def take(self) -> tuple[str, str]:
        """Thoughts and text since the last call."""
        taken = _shown("".join(self._thoughts)), _shown("".join(self._text))
        self._thoughts.clear()
        self._text.clear()
        return taken

    def _add(self, characters: str, *, last: bool = False) -> None:
        if self._section is None and not self._at_start and not self._stop:
            # Nothing is looked for any more: the way of nearly every token.
            self._text.append(characters)
            return
        if self.stopped:
            return
        self._held += characters
        # Every step lets go of something or waits for more; a section may open and close
        # in one piece.
        while self._held and (
            self._think(last=last)
            if self._section is not None
            else self._start(last=last)
            if self._at_start
            else self._answer(last=last)
        ):
            pass

    def _start(self, *, last: bool) -> bool:
        """Before the first word: does a thinking section open?"""
        plain = self._held.translate(_FROM_PRIVATE)
        begin = plain.lstrip()
        for opening in _OPENINGS:
            if begin.startswith(opening):
                self._held = begin[len(opening) :]
                self._section = _BY_OPENING.get(opening)
                self._trim = True
                return True
        if not last and any(opening.startswith(begin) for opening in _OPENINGS):
            return False
        self._at_start = False
        if self._trim:
            self._held = self._held.lstrip("\n")
        return True

    def _think(self, *, last: bool) -> bool:
        """In a thinking section: does it close?"""
        assert self._section is not None
        if self._trim:
            self._held = self._held.lstrip("\n")
            self._trim = not self._held
        plain = self._held.translate(_FROM_PRIVATE)
        closes, ends = self._section.closes, self._section.ends
        end = plain.find(closes)
        if end < 0:
            awaited = {closes, ends + closes}
            # Before a mark's beginning white space may turn out to belong to the mark.
            certain = plain if last else plain[: len(plain) - _overlap(plain, awaited)].rstrip()
            return self._release(self._thoughts, len(plain) - len(certain))
        thought = plain[:end].removesuffix(ends)
        self._thoughts.append(self._held[: len(thought.rstrip())])
        self._held = self._held[end + len(closes) :]
        self._section = None
        self._trim = True
        return True

    def _answer(self, *, last: bool) -> bool:
        """In the answer: does it come to a stop string?"""
        ends = [at for at in map(self._held.find, self._stop) if at >= 0]
        if ends:
            self._text.append(self._held[: min(ends)])
            self._held = ""
            self.stopped = True
            return False
        return self._release(self._text, 0 if last else _overlap(self._held, self._stop))

    def _release(self, into: list[str], n_kept: int) -> bool:
        """Let go of all but the last ``n_kept`` characters; False: more must come."""
        end = len(self._held) - n_kept
        into.append(self._held[:end])
        self._held = self._held[end:]
        return False


def _shown(text: str) -> str:
    return without_controls(text.translate(_WITHOUT_PRIVATE))


def _overlap(text: str, awaited: Iterable[str]) -> int:
    """How many characters at the end of ``text`` could be the beginning of one of ``awaited``."""
    return max(
        (
            size
            for wanted in awaited
            for size in range(1, min(len(wanted) - 1, len(text)) + 1)
            if wanted.startswith(text[-size:])
        ),
        default=0,
    )
