"""One repository: what it is, its files by quantisation, its card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from workbench.models import naming
from workbench.models.hub import said
from workbench.models.hub.client import COMMIT, HubClient
from workbench.models.hub.errors import NotAHubError, NotFoundError
from workbench.models.hub.reference import USUAL, Reference
from workbench.models.hub.search import Summary, summary

# What is longer is no text for people, and takes a terminal seconds to lay out.
_MOST_CARD_BYTES: Final = 64 << 10
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class RemoteFile(msgspec.Struct, frozen=True):
    """A file in a repository; ``sha256`` is empty for one that is too small to have it told."""

    path: str
    size: int
    sha256: str = ""


class Variant(msgspec.Struct, frozen=True):
    """What is fetched together: one file, or all parts of a split one.

    ``name`` is the path without the suffix and the part's number (with that of all parts where
    another variant has the name), ``size`` the bytes of all files, ``missing`` the parts that
    the repository lacks.
    """

    name: str
    kind: naming.Kind
    quantisation: str
    files: tuple[RemoteFile, ...]
    size: int
    missing: int = 0

    @property
    def incomplete(self) -> str:
        """What is missing, in words; empty if the repository has all of it."""
        return naming.missing_words(self.missing)


class Repository(msgspec.Struct, frozen=True):
    """A repository at one commit; ``variants`` has models first, each kind by its size."""

    summary: Summary
    commit: str
    variants: tuple[Variant, ...]

    @property
    def models(self) -> list[Variant]:
        """What can be chatted with, the smallest first."""
        return [variant for variant in self.variants if variant.kind == "model"]


def look(hub: HubClient, repo: str, revision: str = "main") -> Repository:
    """What the Hub says of ``repo``. Blocks; raises HubError."""
    if not said.is_repo(repo):
        raise NotFoundError(f"'{said.line(repo)}' is no repository: give owner/name.")
    path = f"api/models/{repo}" + (f"/revision/{revision}" if revision != "main" else "")
    answer, _ = hub.json(path, {"blobs": "true"}, repo=repo)
    if isinstance(answer, dict) and "gguf" not in answer:
        more, _ = hub.json(path, {"expand": ["gguf"]}, repo=repo)
        answer["gguf"] = more.get("gguf") if isinstance(more, dict) else None
    described = summary(answer)
    commit = answer.get("sha") if described else None
    # It becomes a folder's name.
    if described is None or not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise NotAHubError(f"{hub.endpoint} describes {repo} in a way that is not the Hub's.")
    siblings = answer.get("siblings")
    files = map(_file, siblings if isinstance(siblings, list) else [])
    return Repository(described, commit, tuple(grouped(filter(None, files))))


def card(hub: HubClient, repo: str, revision: str = "main") -> str:
    """The model card as Markdown without its front matter; empty if there is none.

    Of a long one the beginning, and a line on where the rest is.

    What it says is anyone's, but it holds no terminal's commands. Blocks; raises HubError.
    """
    try:
        text = hub.text(repo, "README.md", revision, most=_MOST_CARD_BYTES)
    except NotFoundError:
        return ""
    rest = f"\n\n*The rest is on its page: {hub.page(repo)}*"
    return said.card(text) + (rest if len(text.encode()) >= _MOST_CARD_BYTES else "")


def _file(sibling: Any) -> RemoteFile | None:
    """A file of the listing; None for one with a name that no download may have."""
    if not isinstance(sibling, dict):
        return None
    path, size, lfs = sibling.get("rfilename"), sibling.get("size"), sibling.get("lfs")
    if not isinstance(path, str) or not said.is_path(path):
        return None
    sha256 = lfs.get("sha256") if isinstance(lfs, dict) else None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        sha256 = ""
    return RemoteFile(path, size if isinstance(size, int) else 0, sha256)


def _name(stem: str, n_parts: int, stems: Sequence[str]) -> str:
    """A name that no other variant has, also where a file is called as if it were a part."""
    if not n_parts or stems.count(stem) == 1:
        return stem
    name = f"{stem}-of-{n_parts:05}"
    while name in stems:
        name += ".gguf"
    return name


def grouped(files: Iterable[RemoteFile]) -> list[Variant]:
    """Files as variants: the parts of a split model joined, other files left out."""
    sets: dict[tuple[str, int], list[RemoteFile]] = {}
    for file in files:
        if naming.kind(file.path):
            sets.setdefault(naming.set_of(file.path), []).append(file)
    stems = [stem for stem, _ in sets]
    variants = []
    for (stem, n_parts), parts in sets.items():
        parts.sort(key=lambda file: file.path)
        kind = naming.kind(parts[0].path)
        assert kind is not None
        variants.append(
            Variant(
                name=_name(stem, n_parts, stems),
                kind=kind,
                quantisation=naming.quantisation(parts[0].path),
                files=tuple(parts),
                size=sum(part.size for part in parts),
                missing=naming.n_missing(part.path for part in parts),
            )
        )
    order = ("model", "projector", "imatrix")
    return sorted(variants, key=lambda each: (order.index(each.kind), each.size, each.name))


def chosen(repository: Repository, reference: Reference) -> Variant:
    """The variant that ``reference`` names, or the usual one. Raises NotFoundError.

    Any part names the whole of a split model.
    """
    repo = repository.summary.repo
    if reference.path:
        found = [each for each in repository.variants if _has(each, reference.path)]
    elif reference.quantisation:
        wanted = reference.quantisation.upper()
        found = [each for each in repository.models if each.quantisation == wanted]
    else:
        found = repository.models
        if len(found) > 1:
            found = [each for each in found if each.quantisation == USUAL]
    if len(found) == 1:
        if found[0].missing:
            raise NotFoundError(f"{found[0].name} in {repo} lacks {found[0].missing} of its parts.")
        return found[0]
    if not repository.models:
        raise NotFoundError(f"{repo} has no GGUF file: look for one by workbench models search.")
    # By name where the quantisation alone would not tell.
    named = sorted({each.quantisation for each in repository.models})
    if found or "" in named:
        paths = [each.files[0].path for each in found or repository.models]
        raise NotFoundError(f"Say which file of {repo}: {', '.join(paths)}.")
    raise NotFoundError(f"Say which of {repo}, such as {repo}:{named[0]}: {', '.join(named)}.")


def _has(variant: Variant, path: str) -> bool:
    return any(file.path == path for file in variant.files)
