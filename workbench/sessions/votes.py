"""Which settings a person liked better: votes, and how they count."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

# Of the normal distribution: 95 % lie within so many standard deviations.
_Z: Final = 1.96


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt's answers judged: which lane's was best, or that none was.

    ``settings`` says of each lane in words what it set apart from the others, ``best`` counts
    in them. ``at`` is in seconds of the epoch.
    """

    at: float
    model: str
    settings: list[str]
    best: int | Literal["tie", "bad"]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How often a setting was best, as good as the others, worse, or bad like all of them."""

    model: str
    setting: str
    best: int = 0
    tied: int = 0
    worse: int = 0
    bad: int = 0

    @property
    def judged(self) -> int:
        """Votes that say how it stands to the others."""
        return self.best + self.tied + self.worse

    @property
    def share(self) -> float | None:
        """Of those, how many it won, a tie counted as half of one; None before there is any."""
        return (self.best + self.tied / 2) / self.judged if self.judged else None

    @property
    def between(self) -> tuple[float, float]:
        """Where the share lies with 95 % certainty: Wilson's score interval."""
        n, share = self.judged, self.share
        if share is None:
            return 0.0, 1.0
        middle = share + _Z**2 / (2 * n)
        wide = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        whole = 1 + _Z**2 / n
        return max(0.0, (middle - wide) / whole), min(1.0, (middle + wide) / whole)


class Votes:
    """Votes in a file, a line of JSON each; several processes may add to it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, vote: Vote) -> None:
        """Write a vote behind the others. Raises OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = msgspec.json.encode(vote) + b"\n"
        # In one write: lines of two processes do not mix.
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.lseek(handle, 0, os.SEEK_END) and not self._file.read_bytes().endswith(b"\n"):
                # The disk was full, or the power went, in the middle of a line.
                line = b"\n" + line
            os.write(handle, line)
        finally:
            os.close(handle)

    def read(self) -> list[Vote]:
        """All votes, the oldest first; lines that are none are left out. Raises OSError."""
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        votes = []
        for line in lines:
            try:
                votes.append(msgspec.json.decode(line, type=Vote))
            except ValueError:
                continue
        return [vote for vote in votes if _is_whole(vote)]


def _is_whole(vote: Vote) -> bool:
    return isinstance(vote.best, str) or 0 <= vote.best < len(vote.settings)


def counted(votes: Iterable[Vote]) -> Sequence[Count]:
    """How each setting of each model fared, the best share first."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for vote in votes:
        # A setting that stood in several lanes is judged once: by the best of them.
        by_setting: dict[str, str] = {}
        for number, setting in enumerate(vote.settings):
            how = _how(vote, number)
            if by_setting.get(setting) != "best":
                by_setting[setting] = how
        for setting, how in by_setting.items():
            count = counts.setdefault((vote.model, setting), {})
            count[how] = count.get(how, 0) + 1
    found = [
        Count(model=model, setting=setting, **count) for (model, setting), count in counts.items()
    ]
    return sorted(found, key=lambda each: (each.model, -(each.share or 0), each.setting))


def _how(vote: Vote, number: int) -> str:
    match vote.best:
        case "tie":
            return "tied"
        case "bad":
            return "bad"
    return "best" if vote.best == number else "worse"
