"""What is typed into the search field, and what the keys beside it choose."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from workbench.models.hub.wanted import SORTS, Search

_AUTHOR: Final = "author:"


class Sizes(NamedTuple):
    """A range of numbers of parameters, and how it is called."""

    words: str
    smallest: float | None = None
    largest: float | None = None


SIZES: Final = (
    Sizes("any size"),
    Sizes("up to 2B", None, 2e9),
    Sizes("2B to 5B", 2e9, 5e9),
    Sizes("5B to 10B", 5e9, 10e9),
    Sizes("10B to 40B", 10e9, 40e9),
    Sizes("from 40B", 40e9, None),
)
_GATED: Final[dict[bool | None, str]] = {None: "gated or not", False: "not gated", True: "gated"}


class Choice(NamedTuple):
    """What the keys have chosen."""

    sort: int = 0
    sizes: int = 0
    gated: bool | None = None

    @property
    def words(self) -> str:
        """In a line."""
        return f"{SORTS[self.sort]}, {SIZES[self.sizes].words}, {_GATED[self.gated]}"

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves models out."""
        return self.sizes != 0 or self.gated is not None

    def next_sort(self) -> Choice:
        """By the next order."""
        return self._replace(sort=(self.sort + 1) % len(SORTS))

    def next_sizes(self) -> Choice:
        """In the next range of sizes."""
        return self._replace(sizes=(self.sizes + 1) % len(SIZES))

    def next_gated(self) -> Choice:
        """Either, then what is not gated, then what is."""
        ways = list(_GATED)
        return self._replace(gated=ways[(ways.index(self.gated) + 1) % len(ways)])


def wanted(text: str, choice: Choice) -> Search:
    """What is looked for: words, and ``author:NAME`` among them."""
    words = text.split()
    authors = [word.removeprefix(_AUTHOR) for word in words if word.startswith(_AUTHOR)]
    sizes = SIZES[choice.sizes]
    return msgspec.structs.replace(
        Search(),
        text=" ".join(word for word in words if not word.startswith(_AUTHOR)),
        author=authors[-1] if authors else "",
        sort=SORTS[choice.sort],
        smallest=sizes.smallest,
        largest=sizes.largest,
        gated=choice.gated,
    )
