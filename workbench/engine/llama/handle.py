"""What every handle of llama.cpp's has in common, and how it fails."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class LoadError(RuntimeError):
    """A model could not be loaded; the message says why and what to do."""


class DecodeError(RuntimeError):
    """llama.cpp could not evaluate tokens."""


class Handle:
    """Something of llama.cpp's that must be freed."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
