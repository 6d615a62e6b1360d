from __future__ import annotations

import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator

import pytest

from tests import hub as loopback
from tests.hub import Fault, Hub
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import (
    HubDownError,
    HubError,
    NotAHubError,
    OfflineError,
    RateLimitedError,
)
from workbench.models.hub.search import Summary, search
from workbench.models.hub.wanted import Search
from workbench.models.hub.wire import Halt

GGUF = {"total": 7_000_000_000, "architecture": "llama", "context_length": 32768}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback.running({f"owner/model-{n:02}/a.gguf": b"GGUF" for n in range(7)}) as running:
        running.page_size = 3
        running.described["owner/model-00"] = {
            "gguf": GGUF,
            "downloads": 5,
            "likes": 2,
            "lastModified": "2026-09-30T12:00:00.000Z",
            "tags": ["gguf", "license:apache-2.0"],
        }
        yield running


@pytest.fixture
def client(hub: Hub) -> Iterator[HubClient]:
    with HubClient(hub.endpoint, token=loopback.TOKEN, deadline=2.0) as asking:
        yield asking


def test_pages_follow_each_other_to_the_end(client: HubClient) -> None:
    page = search(client, Search("model"))
    found = list(page.found)
    while page.following:
        page = search(client, Search("model"), page.following)
        assert page.found
        found += page.found
    assert [each.repo for each in found] == [f"owner/model-{n:02}" for n in range(7)]


def test_a_repository_is_described(client: HubClient) -> None:
    [found] = search(client, Search("model-00")).found
    assert found == Summary(
        repo="owner/model-00",
        n_parameters=7_000_000_000,
        architecture="llama",
        n_ctx=32768,
        downloads=5,
        likes=2,
        licence="apache-2.0",
        updated="2026-09-30",
    )


def test_all_that_is_looked_for_is_asked_for(client: HubClient, hub: Hub) -> None:
    hub.gated.add("owner/model-01")
    wanted = Search("mod", "owner", "likes", smallest=6e9, largest=9.5e9, gated=True)
    [found] = search(client, wanted).found
    assert found.gated
    asked = urllib.parse.parse_qs(hub.asked[-1].path.partition("?")[2])
    assert asked == {
        "filter": ["gguf"],
        "search": ["mod"],
        "author": ["owner"],
        "sort": ["likes"],
        "gated": ["true"],
        "limit": ["30"],
        "num_parameters": ["min:6B,max:9.5B"],
        "expand": ["gguf", "downloads", "likes", "lastModified", "gated", "tags"],
    }
    assert "authorization" not in hub.asked[-1].headers


def test_sizes_go_by_the_files_own_count(client: HubClient) -> None:
    assert search(client, Search("model-00", smallest=6e9)).found
    assert not search(client, Search("model-00", smallest=8e9)).found


def test_what_people_wrote_there_is_shown_as_text(client: HubClient, hub: Hub) -> None:
    hub.described["owner/model-00"] = {
        "gguf": {"architecture": "lla\x1b[31mma\n\u202e[bold]", "total": "many"},
        "tags": ["license:\x9bMIT", 3],
        "downloads": -1,
        "lastModified": None,
    }
    hub.described["../../etc"] = {}
    hub.described["owner/\x1b[2J"] = {}
    hub.page_size = 100
    found = {each.repo: each for each in search(client, Search()).found}
    assert len(found) == 7
    model = found["owner/model-00"]
    assert (model.architecture, model.licence) == ("lla[31mma [bold]", "MIT")
    assert (model.n_parameters, model.downloads, model.updated) == (0, 0, "")


def test_a_hub_that_does_not_answer_is_given_up_at_the_deadline(hub: Hub) -> None:
    hub.faults += [Fault("late", seconds=30, times=float("inf"))]
    began = time.monotonic()
    with (
        HubClient(hub.endpoint, token=False, deadline=1.0) as client,
        pytest.raises(OfflineError, match="did not answer in 1 seconds"),
    ):
        search(client, Search())
    assert time.monotonic() - began < 2


def test_an_answer_that_drips_is_given_up_at_the_deadline(hub: Hub) -> None:
    hub.faults += [Fault("slow", rate=50, times=float("inf"))]
    began = time.monotonic()
    with HubClient(hub.endpoint, token=False, deadline=1.0) as client, pytest.raises(OfflineError):
        search(client, Search())
    assert time.monotonic() - began < 3


def test_the_deadline_is_one_for_a_kept_connection_as_well(hub: Hub) -> None:
    with HubClient(hub.endpoint, token=False, deadline=1.0) as client:
        search(client, Search())
        hub.faults += [Fault("late", seconds=30, times=float("inf"))]
        began = time.monotonic()
        with pytest.raises(OfflineError, match="did not answer in 1 seconds"):
            search(client, Search())
        assert time.monotonic() - began < 1.8


def test_nobody_waits_for_a_question_that_was_given_up(hub: Hub) -> None:
    hub.faults += [Fault("late", seconds=30, times=float("inf"))]
    halt = Halt()
    with HubClient(hub.endpoint, token=False) as client:
        threading.Timer(0.3, halt.set).start()
        began = time.monotonic()
        with pytest.raises(OfflineError, match="Nobody waits"):
            search(client.until(halt), Search())
        assert time.monotonic() - began < 3
        # Other questions are none of it.
        hub.faults.clear()
        assert search(client, Search()).found


@pytest.mark.parametrize("endpoint", ["http://[x/y", "http://127.0.0.1:port", "hub.test"])
def test_an_endpoint_that_is_none_is_said(endpoint: str) -> None:
    with pytest.raises(HubError, match="set HF_ENDPOINT"):
        HubClient(endpoint, token=False)


@pytest.mark.parametrize("address", ["http://[x/y", "http://host:port/", "http://host/\xe4"])
def test_a_hub_that_names_no_address_is_none(client: HubClient, hub: Hub, address: str) -> None:
    sent_on = {"Location": address}
    hub.faults += [Fault("status", code=302, headers=sent_on)]
    with pytest.raises(NotAHubError):
        search(client, Search())
    hub.faults += [Fault("status", method="HEAD", code=302, headers=sent_on)]
    with pytest.raises(NotAHubError):
        client.resolve("owner/model-00", "a.gguf")
    # The address of the next page.
    hub.endpoint = address
    with pytest.raises(NotAHubError):
        search(client, Search())


def test_the_next_page_is_on_the_hub(client: HubClient, hub: Hub) -> None:
    asked_for = "http://127.0.0.1:1/http://127.0.0.1:1/api/models?cursor=1"
    with pytest.raises(HubError):
        search(client, Search(), client._on_hub(asked_for))
    assert hub.asked[-1].path == "/http://127.0.0.1:1/api/models?cursor=1"


def test_a_hub_that_stumbles_is_asked_once_more(client: HubClient, hub: Hub) -> None:
    hub.faults += [Fault("status", code=502)]
    assert search(client, Search("model-00")).found
    hub.faults += [Fault("status", code=502, times=2)]
    with pytest.raises(HubDownError, match="cannot answer now"):
        search(client, Search())


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_half_an_answer_is_no_answer(client: HubClient, hub: Hub, kind: str) -> None:
    hub.faults += [Fault(kind)]
    assert search(client, Search("model-00")).found
    hub.faults += [Fault(kind, times=2)]
    with pytest.raises(OfflineError):
        search(client, Search("model-00"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
    ],
)
def test_a_rate_limit_says_how_long(
    client: HubClient, hub: Hub, headers: dict[str, str], seconds: float
) -> None:
    hub.faults += [Fault("status", code=429, headers=headers)]
    with pytest.raises(RateLimitedError, match=f"wait {seconds} seconds") as error:
        search(client, Search())
    assert error.value.seconds == seconds


def test_a_proxys_page_is_no_hub(client: HubClient, hub: Hub) -> None:
    hub.faults += [Fault("page")]
    with pytest.raises(NotAHubError, match="log-in page"):
        search(client, Search())


def test_no_network_is_offline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        HubClient(f"http://127.0.0.1:{port}", token=False, deadline=2.0) as client,
        pytest.raises(OfflineError, match="is there a network"),
    ):
        search(client, Search())
