"""What is looked for on the Hub."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

Sort = Literal["trending", "downloads", "likes", "updated"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)


class Search(msgspec.Struct, frozen=True):
    """What is looked for. Sizes are numbers of parameters; ``gated`` None is either."""

    text: str = ""
    author: str = ""
    sort: Sort = "trending"
    smallest: float | None = None
    largest: float | None = None
    gated: bool | None = None
