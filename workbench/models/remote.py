"""Headers of files that are still on the Hub: enough to know a model without its weights.

Of each file the first mebibytes are fetched, until its header is complete. They are kept as a
sparse file of the whole size, which llama.cpp takes for the model as long as nobody asks for
weights.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from workbench.models.gguf import parse_header
from workbench.models.hub.client import HubClient, Resolved
from workbench.models.hub.errors import NotAHubError, OfflineError
from workbench.models.hub.repository import Repository, Variant
from workbench.models.hub.wire import WIRE_ERRORS, Wire

DEADLINE_SECONDS: Final = 60.0

_FIRST_STEP: Final = 1 << 20
_LARGEST_STEP: Final = 16 << 20
# A few MiB each: enough for an evening's looking around.
_KEPT: Final = 64
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


def header_file(
    hub: HubClient,
    repo: str,
    paths: Sequence[str],
    folder: Path,
    *,
    revision: str = "main",
    deadline: float = DEADLINE_SECONDS,
) -> Path:
    """A sparse file with the header of a model in ``repo``; of a split one, the first part.

    ``paths`` are all of its parts. What was fetched before is in ``folder`` and taken from
    there. Blocks; raises HubError, GgufError or OSError.
    """
    until = time.monotonic() + deadline
    resolved = [hub.resolve(repo, path, revision) for path in paths]
    kept = folder / hashlib.sha256(" ".join(each.etag for each in resolved).encode()).hexdigest()
    names = _names(len(paths))
    if not kept.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as unfinished:
            made = Path(unfinished) / kept.name
            made.mkdir()
            for name, each in zip(names, resolved, strict=True):
                _fetch(_Source(hub, repo, each, until), made / name)
            try:
                made.rename(kept)
            except OSError:
                # Whoever asked at the same time has brought the same.
                if not kept.is_dir():
                    raise
        _forget_oldest(folder)
    os.utime(kept)
    return kept / names[0]


def header_of(hub: HubClient, repository: Repository, variant: Variant, folder: Path) -> Path:
    """The header of one model of a repository, as it was looked at: see ``header_file``."""
    paths = [each.path for each in variant.files]
    return header_file(hub, repository.summary.repo, paths, folder, revision=repository.commit)


def _names(n_parts: int) -> list[str]:
    """What headers are called here: other repositories have the same bytes by other names."""
    if n_parts == 1:
        return ["model.gguf"]
    return [f"model-{part:05}-of-{n_parts:05}.gguf" for part in range(1, n_parts + 1)]


class _Source(NamedTuple):
    """A file, and until when its header has to be here."""

    hub: HubClient
    repo: str
    file: Resolved
    until: float


def _fetch(source: _Source, file: Path) -> None:
    """Write the header of one file, and nothing where its weights are."""
    wire = Wire(max(0.1, source.until - time.monotonic()))
    step = _FIRST_STEP
    with file.open("wb") as written:

        def more(offset: int, count: int) -> bytes:
            nonlocal step
            content = _range(source, wire, offset, max(count, step))
            step = min(4 * step, _LARGEST_STEP)
            written.write(content)
            return content

        try:
            header = parse_header(more, source.file.size)
        finally:
            wire.close()
        written.truncate(header.data_offset)
        written.truncate(source.file.size)


def _range(source: _Source, wire: Wire, offset: int, count: int) -> bytes:
    url = source.file.location
    end = min(offset + count, source.file.size)
    headers = {**source.hub.headers_for(url), "Range": f"bytes={offset}-{end - 1}"}
    try:
        left = max(0.01, source.until - time.monotonic())
        with source.hub.halt.over(wire), wire.within(left):
            response = wire.request("GET", url, headers)
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise source.hub.refusal(response, url, source.repo)
            content = _content(response, offset, end)
    except WIRE_ERRORS as error:
        raise OfflineError("The file's header did not come: try again.") from error
    if len(content) != end - offset:
        raise OfflineError("The connection ended within the file's header: try again.")
    return content


def _content(response: http.client.HTTPResponse, offset: int, end: int) -> bytes:
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != offset:
            raise NotAHubError("What answers is no Hub: it sends another part than was asked for.")
        return response.read(end - offset)
    # It does not know of parts.
    return response.read(end)[offset:]


def _forget_oldest(folder: Path) -> None:
    kept = []
    for each in folder.iterdir():
        # Others may forget at the same time.
        with contextlib.suppress(FileNotFoundError):
            if not each.name.startswith("."):
                kept.append((each.stat().st_mtime, each))
    for _, each in sorted(kept)[:-_KEPT]:
        shutil.rmtree(each, ignore_errors=True)
