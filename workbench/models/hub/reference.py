"""What a person types or pastes to name a repository, a quantisation or a file."""

from __future__ import annotations

import re
import urllib.parse
from typing import Final

import msgspec

from workbench.models.hub.said import is_path, is_repo

_HOSTS: Final = ("huggingface.co", "www.huggingface.co", "hf.co")
_QUANTISATION: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# It becomes a file's name.
_REVISION: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# What most people take, as llama.cpp itself does where none is named.
USUAL: Final = "Q4_K_M"
# In an address: what stands between the repository and the revision.
_VIEWS: Final = ("blob", "resolve", "tree", "raw")


class Reference(msgspec.Struct, frozen=True):
    """A repository, and of its files ``path`` or those of ``quantisation``, where they are said."""

    repo: str
    path: str = ""
    quantisation: str = ""
    revision: str = "main"

    def __str__(self) -> str:
        if self.path:
            return f"{self.repo}/{self.path}"
        return f"{self.repo}:{self.quantisation}" if self.quantisation else self.repo


def read(text: str, endpoint: str = "") -> Reference | None:
    """``owner/name``, ``owner/name:Q4_K_M``, ``owner/name/file.gguf`` or an address of the Hub.

    None for any other text. ``endpoint`` is the Hub's address where it is not the usual one.
    """
    text = text.strip()
    for scheme in ("hf://", "hf:"):
        text = text.removeprefix(scheme)
    try:
        host, path = _host_and_path(text)
        known = not host or host in _HOSTS or host == _host_and_path(endpoint)[0]
    except ValueError:
        # It begins as an address does and is none.
        return None
    if not known:
        return None
    names = (path.strip("/") if host else path).split("/")
    revision = "main"
    if host and len(names) > 2 and names[2] in _VIEWS:
        revision = names[3] if len(names) > 3 else "main"
        names = [*names[:2], *names[4:]]
    if len(names) < 2:
        return None
    name, _, quantisation = names[1].partition(":")
    repo = f"{names[0]}/{name}"
    rest = "/".join(names[2:])
    if not is_repo(repo) or not _REVISION.fullmatch(revision):
        return None
    if quantisation and not _QUANTISATION.fullmatch(quantisation):
        return None
    if rest and (quantisation or not is_path(rest)):
        return None
    if rest and not rest.lower().endswith((".gguf", ".dat", ".imatrix")):
        # A folder, a discussion, a setting: the repository is meant.
        return Reference(repo, revision=revision) if host else None
    return Reference(repo, rest, quantisation, revision)


def _host_and_path(text: str) -> tuple[str, str]:
    for host in _HOSTS:
        if text.startswith(f"{host}/"):
            text = f"https://{text}"
    if not text.startswith(("http://", "https://")):
        return "", text
    parts = urllib.parse.urlsplit(text)
    return parts.netloc.lower(), urllib.parse.unquote(parts.path)
