from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hub as loopback
from tests.hub import Hub
from workbench.models.hub import repository
from workbench.models.hub.client import HubClient
from workbench.models.hub.errors import GatedError, NotAHubError, NotFoundError, TokenError
from workbench.models.hub.reference import Reference
from workbench.models.hub.repository import RemoteFile, card, chosen, grouped, look

REPO = "owner/Model-GGUF"
CARD = "---\nlicense: mit\n---\n# Model\r\n<!-- hidden -->\nIt \x1b]52;c;evil\x07speaks.\n"
FILES = {
    "Model-Q4_K_M.gguf": 4000,
    "Model-Q8_0-00001-of-00002.gguf": 5000,
    "Model-Q8_0-00002-of-00002.gguf": 3000,
    "BF16/Model-00001-of-00003.gguf": 9000,
    "mmproj-Model-F16.gguf": 1200,
    "imatrix.dat": 30,
    "config.json": 20,
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {f"{REPO}/{path}": bytes(size) for path, size in FILES.items()}
    with loopback.running({**files, f"{REPO}/README.md": CARD.encode()}) as running:
        running.described[REPO] = {"gguf": {"total": 12, "architecture": "llama"}}
        yield running


@pytest.fixture
def client(hub: Hub) -> Iterator[HubClient]:
    with HubClient(hub.endpoint, token=False, deadline=5.0) as asking:
        yield asking


def test_files_are_grouped_by_quantisation(client: HubClient, hub: Hub) -> None:
    found = look(client, REPO)
    assert found.commit == hub.head
    assert found.summary.architecture == "llama"
    assert [
        (each.kind, each.quantisation, each.size, len(each.files), each.missing)
        for each in found.variants
    ] == [
        ("model", "Q4_K_M", 4000, 1, 0),
        ("model", "Q8_0", 8000, 2, 0),
        ("model", "BF16", 9000, 1, 2),
        ("projector", "F16", 1200, 1, 0),
        ("imatrix", "", 30, 1, 0),
    ]
    content = hub.files[f"{REPO}/Model-Q4_K_M.gguf"]
    assert found.models[0].files[0].sha256 == loopback.etag_of(content)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (Reference(REPO), "Model-Q4_K_M"),
        (Reference(REPO, quantisation="q8_0"), "Model-Q8_0"),
        (Reference(REPO, "Model-Q8_0-00002-of-00002.gguf"), "Model-Q8_0"),
        (Reference(REPO, "mmproj-Model-F16.gguf"), "mmproj-Model-F16"),
    ],
)
def test_a_reference_names_a_variant(client: HubClient, reference: Reference, name: str) -> None:
    assert chosen(look(client, REPO), reference).name == name


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        (Reference(REPO, quantisation="Q2_K"), f"such as {REPO}:BF16: BF16, Q4_K_M, Q8_0"),
        (Reference(REPO, "nothing.gguf"), "Say which"),
        (Reference(REPO, quantisation="BF16"), "lacks 2 of its parts"),
    ],
)
def test_a_reference_that_names_none_says_which_there_are(
    client: HubClient, reference: Reference, complaint: str
) -> None:
    with pytest.raises(NotFoundError, match=complaint):
        chosen(look(client, REPO), reference)


@pytest.mark.parametrize("commit", ["../../elsewhere", "main", "", None, "0" * 39])
def test_a_commit_that_is_none_is_no_hubs(client: HubClient, hub: Hub, commit: object) -> None:
    hub.commits[commit] = hub.commits[hub.head]  # type: ignore[index]
    hub.head = commit  # type: ignore[assignment]
    with pytest.raises(NotAHubError, match="not the Hub's"):
        look(client, REPO)


def test_names_that_lead_elsewhere_are_left_out(client: HubClient, hub: Hub) -> None:
    names = ["../up.gguf", "/etc/x.gguf", "a\\b.gguf", "a/./b.gguf", "a//b.gguf", "\x1b[1m.gguf"]
    siblings = [{"rfilename": name, "size": 1} for name in [*names, "good.gguf", "\u202eb.gguf"]]
    hub.described[REPO]["siblings"] = [*siblings, "none", {"rfilename": 3}]
    # What is described by a test comes before what the Hub makes of its files.
    listed = [repository._file(each) for each in hub.described[REPO]["siblings"]]
    assert [file.path for file in listed if file] == ["good.gguf"]


def test_a_whole_file_beside_its_parts_is_a_variant_of_its_own() -> None:
    paths = ["m-Q8_0.gguf", *(f"m-Q8_0-{part:05}-of-00002.gguf" for part in (1, 2))]
    whole, split = grouped(RemoteFile(path, 50) for path in paths)
    assert (whole.name, whole.size, whole.missing) == ("m-Q8_0", 50, 0)
    assert (split.name, split.size, split.missing) == ("m-Q8_0-of-00002", 100, 0)


def test_no_two_variants_have_one_name() -> None:
    """Names are what the screen tells rows by, and a repository may call files as it likes."""
    parts = [f"x-{part:05}-of-00002.gguf" for part in (1, 2)]
    paths = ["x.gguf", *parts, "x-of-00002.gguf", "x-of-00002.gguf.gguf"]
    names = [each.name for each in grouped(RemoteFile(path, 50) for path in paths)]
    assert len({*names}) == len(names) == 4


def test_quantisations_come_from_folders_as_well() -> None:
    [only] = grouped([RemoteFile("UD-IQ2_M/big-00001-of-00001.gguf", 1)])
    assert (only.quantisation, only.missing) == ("UD-IQ2_M", 0)


def test_a_card_is_markdown_without_commands(client: HubClient) -> None:
    assert card(client, REPO) == "# Model\n\nIt ]52;c;evilspeaks."


def test_a_repository_without_a_card_has_an_empty_one(client: HubClient, hub: Hub) -> None:
    del hub.files[f"{REPO}/README.md"]
    assert card(client, REPO) == ""


def test_what_is_not_there_says_what_to_do(client: HubClient, hub: Hub) -> None:
    with pytest.raises(NotFoundError, match=r"no repository owner/nothing.*hf auth login"):
        look(client, "owner/nothing")
    with pytest.raises(NotFoundError, match="give owner/name"):
        look(client, "../etc")
    hub.gated.add(REPO)
    with pytest.raises(GatedError, match=f"{hub.endpoint}/{REPO}") as error:
        client.resolve(REPO, "Model-Q4_K_M.gguf")
    assert error.value.page == f"{hub.endpoint}/{REPO}"


def test_a_token_that_is_not_taken_is_told_and_not_shown(hub: Hub) -> None:
    hub.faults += [
        loopback.Fault(
            "status",
            code=401,
            headers={"X-Error-Message": "Invalid credentials in Authorization header"},
        )
    ]
    with (
        HubClient(hub.endpoint, token="hf_secret") as client,
        pytest.raises(TokenError, match="log in again") as error,
    ):
        look(client, REPO)
    assert "hf_secret" not in str(error.value)


def test_a_whole_model_beside_its_parts_is_another_variant() -> None:
    names = ["m-Q4_0-00001-of-00002.gguf", "m-Q4_0-00002-of-00002.gguf", "m-Q4_0.gguf"]
    whole, split = grouped(RemoteFile(name, 100) for name in names)
    assert (whole.name, [file.path for file in whole.files]) == ("m-Q4_0", names[2:])
    assert (split.name, [file.path for file in split.files]) == ("m-Q4_0-of-00002", names[:2])
    assert (whole.missing, split.missing) == (0, 0)
