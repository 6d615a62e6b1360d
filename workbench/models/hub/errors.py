"""Why the Hub did not give what was asked, each with a sentence on what to do."""

from __future__ import annotations


class HubError(Exception):
    """The Hub did not give what was asked; the message is for people."""


class OfflineError(HubError):
    """There is no way to the Hub now: no network, no answer in time, or it was told to be so."""


class HubDownError(HubError):
    """The Hub is reached and cannot answer (5xx)."""


class RateLimitedError(HubError):
    """Too many requests; the Hub wants to be left alone for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The Hub asks to wait {seconds:.0f} seconds: too many requests from here. "
            "With a token there may be more: hf auth login."
        )
        self.seconds = seconds


class GatedError(HubError):
    """The repository's owner wants its conditions accepted first, on ``page``."""

    def __init__(self, page: str, *, with_token: bool) -> None:
        then = "then try again" if with_token else "then log in: hf auth login (or set HF_TOKEN)"
        super().__init__(f"This repository is gated: accept its conditions on {page}, {then}.")
        self.page = page


class TokenError(HubError):
    """The Hub does not take the token."""


class NotFoundError(HubError):
    """There is no such repository, revision or file, or it is private."""


class NotAHubError(HubError):
    """Something else answered: a proxy, a captive portal, a wrong endpoint."""
