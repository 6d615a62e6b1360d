"""Asking the Hub: a deadline, one more try, and answers that say what they are."""

from __future__ import annotations

import copy
import http.client
import re
import threading
import time
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, Self

import msgspec

from workbench import __version__
from workbench.models.hub.errors import (
    GatedError,
    HubDownError,
    HubError,
    NotAHubError,
    NotFoundError,
    OfflineError,
    RateLimitedError,
    TokenError,
)
from workbench.models.hub.said import line
from workbench.models.hub.wire import WIRE_ERRORS, Halt, Wire, joined, origin

# A search or a look waits so long for all of its answer.
DEADLINE_SECONDS: Final = 10.0
_AGAIN_SECONDS: Final = 0.5
_MOST_REDIRECTS: Final = 5
# The listing of a repository with thousands of files has a few MB.
_MOST_BYTES: Final = 32 << 20
_WAIT_IF_UNTOLD: Final = 60.0
# What may become a file name: the Hub's are 40 or 64 hexadecimal digits.
_ETAG: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}(?:\.[0-9A-Za-z_-]+)*")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_TOKEN: Final = re.compile(r"[!-~]+")
_NOT_FOUND: Final = ("EntryNotFound", "RevisionNotFound", "RepoNotFound")
_NEXT: Final = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
# "api";r=0;t=55: so many requests remain, for so many seconds.
_RESET: Final = re.compile(r";\s*t\s*=\s*(\d+)")

Query = Mapping[str, str | list[str]]


class Resolved(msgspec.Struct, frozen=True):
    """What the Hub says of one file: ``etag`` names the blob, ``location`` has its bytes.

    The etag is the SHA-256 of a large file, and git's own id of a small one.
    """

    commit: str
    etag: str
    size: int
    location: str


class HubClient:
    """The Hub as the environment names it. Every call blocks, and may come from any thread."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        token: str | Literal[False] | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        """Without ``token`` the one from the usual places is taken, as it is when it is needed;
        ``False`` takes none.

        Raises TokenError for one that cannot be any, and HubError for such an endpoint.
        """
        from huggingface_hub import constants

        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        if not _is_address(self.endpoint):
            raise HubError(
                f"'{line(self.endpoint)[:100]}' is no web address: set HF_ENDPOINT to one, or "
                "unset it."
            )
        self._given = token
        self._token()
        self._deadline = deadline
        self._offline = constants.is_offline_mode()
        self._idle: list[Wire] = []
        self._lock = threading.Lock()
        # Once it comes, nobody waits for what the Hub has been asked.
        self.halt = Halt()

    def until(self, halt: Halt) -> Self:
        """The same Hub, of which nothing is awaited any more once ``halt`` comes."""
        halted = copy.copy(self)
        halted.halt = halt
        return halted

    def close(self) -> None:
        """Let go of the connections that are kept for the next question."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _token(self) -> str | None:
        """The token as it is by now: who logs in meanwhile need not begin anew."""
        # Not sooner: with an endpoint that is none this import fails.
        from huggingface_hub import get_token

        token = get_token() if self._given is None else self._given or None
        if token and not _TOKEN.fullmatch(token):
            raise TokenError("The token in HF_TOKEN or of hf auth login is none: log in again.")
        return token

    def page(self, repo: str) -> str:
        """Where people read about ``repo``."""
        return f"{self.endpoint}/{repo}"

    def gate(self, repo: str) -> GatedError:
        """What a person has to do before files of a gated ``repo`` can be fetched."""
        return GatedError(self.page(repo), with_token=self._token() is not None)

    def headers_for(self, url: str, *, with_token: bool = True) -> dict[str, str]:
        """What to send to ``url``: the token goes to the Hub itself and to nobody else."""
        headers = {"User-Agent": f"workbench/{__version__}", "Accept-Encoding": "identity"}
        if with_token and origin(url) == origin(self.endpoint) and (token := self._token()):
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def json(
        self, path: str, query: Query | None = None, *, repo: str = "", with_token: bool = True
    ) -> tuple[Any, str]:
        """The decoded answer, and where its next page is, for ``path``; empty if it is the last.

        Raises HubError.
        """
        # Put together by hand: a path that looks like an address shall lead nowhere else.
        url = f"{self.endpoint}/{path.lstrip('/')}"
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        body, response = self._get(url, with_token=with_token, repo=repo)
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise self._not_a_hub(url) from error
        following = _NEXT.search(response.headers.get("Link", ""))
        return answer, self._on_hub(following[1]) if following else ""

    def text(self, repo: str, path: str, revision: str, *, most: int) -> str:
        """The first ``most`` bytes of a text file of ``repo``. Raises HubError."""
        body, _ = self._get(self._resolve_url(repo, path, revision), most=most, repo=repo)
        return body.decode("utf-8", "replace")

    def resolve(self, repo: str, path: str, revision: str = "main") -> Resolved:
        """What to fetch for a file of ``repo``. Raises HubError."""
        url = self._resolve_url(repo, path, revision)
        for _ in range(_MOST_REDIRECTS):
            _, response = self._ask("HEAD", url, repo=repo)
            target = self._target(url, response)
            if not _redirects(response) or origin(target) != origin(url):
                resolved = self._resolved(url, target, response)
                if origin(target) != origin(url):
                    return resolved
                # The branch may move on while parts of the file are fetched.
                pinned = self._resolve_url(repo, path, resolved.commit)
                return msgspec.structs.replace(resolved, location=pinned)
            # The repository has a new name.
            url = target
        raise self._not_a_hub(url)

    def _resolved(self, url: str, location: str, response: http.client.HTTPResponse) -> Resolved:
        headers = response.headers
        commit = headers.get("X-Repo-Commit", "")
        etag = headers.get("X-Linked-Etag") or headers.get("ETag") or ""
        etag = etag.removeprefix("W/").strip('"')
        length = "" if _redirects(response) else headers.get("Content-Length", "")
        size = headers.get("X-Linked-Size") or length
        if not (COMMIT.fullmatch(commit) and _ETAG.fullmatch(etag) and size.isdecimal()):
            raise self._not_a_hub(url)
        return Resolved(commit, etag, int(size), location)

    def _resolve_url(self, repo: str, path: str, revision: str) -> str:
        quoted = urllib.parse.quote(path)
        return f"{self.endpoint}/{repo}/resolve/{urllib.parse.quote(revision, safe='')}/{quoted}"

    def _target(self, url: str, response: http.client.HTTPResponse) -> str:
        """Where an answer sends to."""
        try:
            return joined(url, response.headers.get("Location", ""))
        except http.client.InvalidURL as error:
            raise self._not_a_hub(url) from error

    def _on_hub(self, url: str) -> str:
        """The next page's path: a mirror's answers name the Hub that it mirrors."""
        if not _is_address(url):
            raise self._not_a_hub(self.endpoint)
        parts = urllib.parse.urlsplit(url)
        return urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))

    def _get(
        self, url: str, *, most: int = _MOST_BYTES, with_token: bool = True, repo: str = ""
    ) -> tuple[bytes, http.client.HTTPResponse]:
        for _ in range(_MOST_REDIRECTS):
            body, response = self._ask("GET", url, most=most, with_token=with_token, repo=repo)
            if not _redirects(response):
                return body, response
            url = self._target(url, response)
        raise self._not_a_hub(url)

    def _ask(
        self,
        method: str,
        url: str,
        *,
        most: int = _MOST_BYTES,
        with_token: bool = True,
        repo: str = "",
    ) -> tuple[bytes, http.client.HTTPResponse]:
        """One answer; if none comes or the Hub is down, one more try within the deadline."""
        if self._offline:
            raise OfflineError("HF_HUB_OFFLINE is set: unset it to reach the Hub.")
        headers = self.headers_for(url, with_token=with_token)
        until = time.monotonic() + self._deadline
        for last in (False, True):
            try:
                return self._answer(method, url, headers, until, most, repo)
            except HubDownError:
                if last or until - time.monotonic() < _AGAIN_SECONDS:
                    raise
            except WIRE_ERRORS as error:
                if self.halt.is_set():
                    raise OfflineError("Nobody waits for the answer any more.") from error
                if last or until - time.monotonic() < _AGAIN_SECONDS:
                    raise self._unreached(url, error, until) from error
            self.halt.wait(_AGAIN_SECONDS)
        raise AssertionError("the last try returns or raises")

    def _answer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        until: float,
        most: int,
        repo: str,
    ) -> tuple[bytes, http.client.HTTPResponse]:
        with self._lock:
            wire = self._idle.pop() if self._idle else Wire(self._deadline)
        try:
            left = max(0.01, until - time.monotonic())
            with self.halt.over(wire), wire.within(left):
                response = wire.request(method, url, headers)
                body = response.read(most)
            if response.length and len(body) < most:
                raise http.client.IncompleteRead(body, response.length)
            if time.monotonic() >= until:
                raise TimeoutError("the deadline is over")
        except BaseException:
            wire.close()
            raise
        if response.isclosed() and not wire.is_shut:
            with self._lock:
                self._idle.append(wire)
        else:
            # More than was asked for is on its way, or it was shut when the answer was there.
            wire.close()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self.refusal(response, url, repo)
        return body, response

    def refusal(self, response: http.client.HTTPResponse, url: str, repo: str) -> HubError:
        """What an answer with an error's status means."""
        status = response.status
        code = response.headers.get("X-Error-Code", "")
        message = line(response.headers.get("X-Error-Message", ""))[:300]
        host = origin(url)[1]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimitedError(_wait_seconds(response))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return HubDownError(f"{host} cannot answer now ({status}); try again in a while.")
        if code == "GatedRepo":
            return self.gate(repo)
        if self._token() and (code == "InvalidToken" or "Invalid credentials" in message):
            return TokenError("The Hub does not take your token: log in again, hf auth login.")
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return NotAHubError("The proxy wants a name and a password in https_proxy.")
        if "html" in response.headers.get("Content-Type", "").lower() and not code:
            return self._not_a_hub(url)
        if code in _NOT_FOUND or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return self._not_found(code, repo)
        return HubError(f"{host} refuses ({status}){': ' if message else ''}{message}.")

    def _not_found(self, code: str, repo: str) -> NotFoundError:
        if code == "EntryNotFound":
            return NotFoundError(f"There is no such file in {repo}; see: workbench models info.")
        if code == "RevisionNotFound":
            return NotFoundError(f"This version of {repo} is not on the Hub any more.")
        private = "" if self._token() else " If it is private, log in first: hf auth login."
        return NotFoundError(f"There is no repository {repo} on the Hub.{private}")

    def _not_a_hub(self, url: str) -> NotAHubError:
        return NotAHubError(
            f"What answers at {origin(url)[1]} is not the Hub: perhaps a proxy or the log-in page "
            "of a network. Open a web page in a browser, or look at HF_ENDPOINT."
        )

    def _unreached(self, url: str, error: BaseException, until: float) -> OfflineError:
        host = origin(url)[1]
        if time.monotonic() >= until - _AGAIN_SECONDS:
            return OfflineError(f"{host} did not answer in {self._deadline:.0f} seconds.")
        why = line(getattr(error, "strerror", None) or str(error) or type(error).__name__)
        return OfflineError(f"{host} cannot be reached ({why}): is there a network?")


def _is_address(url: str) -> bool:
    try:
        scheme, host, _ = origin(url)
    except http.client.InvalidURL:
        return False
    return scheme in ("http", "https") and bool(host)


def _redirects(response: http.client.HTTPResponse) -> bool:
    return response.status in (301, 302, 303, 307, 308) and "Location" in response.headers


def _wait_seconds(response: http.client.HTTPResponse) -> float:
    """By ``Retry-After``, or by the Hub's own ``RateLimit``."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isdecimal():
        return float(told)
    limit = _RESET.search(response.headers.get("RateLimit", ""))
    return float(limit[1]) if limit else _WAIT_IF_UNTOLD
