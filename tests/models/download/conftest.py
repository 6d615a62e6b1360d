"""What the tests of downloads share: a Hub on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hub as loopback
from tests.hub import Hub
from tests.models.download.one_file import CLIENTS, CONTENT, NAME, REPO


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback.running({NAME: CONTENT, f"{REPO}/config.json": b"{}"}) as running:
        yield running
        while CLIENTS:
            CLIENTS.pop().close()
