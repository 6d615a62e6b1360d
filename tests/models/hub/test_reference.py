from __future__ import annotations

import pytest

from workbench.models.hub.reference import Reference, read

SPLIT = "Q8_0/a-00001-of-00002.gguf"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("owner/name", Reference("owner/name")),
        (" owner/name:Q4_K_M ", Reference("owner/name", quantisation="Q4_K_M")),
        ("owner/name/file-Q8_0.gguf", Reference("owner/name", "file-Q8_0.gguf")),
        ("owner/name/Q8_0/a-00001-of-00002.gguf", Reference("owner/name", SPLIT)),
        ("https://huggingface.co/owner/name", Reference("owner/name")),
        ("https://huggingface.co/owner/name?show_file_info=a.gguf", Reference("owner/name")),
        ("huggingface.co/owner/name/", Reference("owner/name")),
        ("hf.co/owner/name:IQ2_XS", Reference("owner/name", quantisation="IQ2_XS")),
        ("https://huggingface.co/owner/name/tree/main", Reference("owner/name")),
        ("https://huggingface.co/owner/name/discussions/3", Reference("owner/name")),
        (
            "https://huggingface.co/owner/name/blob/main/a%20b-Q4_0.gguf",
            Reference("owner/name", "a b-Q4_0.gguf"),
        ),
        (
            "https://huggingface.co/owner/name/resolve/v1/x.gguf?download=true",
            Reference("owner/name", "x.gguf", revision="v1"),
        ),
        ("http://127.0.0.1:80/owner/name", Reference("owner/name")),
    ],
)  # fmt: skip
def test_what_names_a_repository(text: str, reference: Reference) -> None:
    assert read(text, "http://127.0.0.1:80") == reference


@pytest.mark.parametrize(
    "text",
    [
        "a small coding model",
        "owner",
        "/home/owner/model.gguf",
        "~/models/x.gguf",
        "../owner/name",
        "owner/..",
        "owner/na--me",
        "owner/name/../../x.gguf",
        "owner/name/..\\x.gguf",
        "owner/name/\x1b[2J.gguf",
        "owner/name:Q4/x.gguf",
        "owner/name:Q4 0",
        "https://example.com/owner/name",
        "https://huggingface.co/owner/name/resolve/..%2F..%2Fx/y.gguf",
        "https://huggingface.co",
        "http://[x/y",
        "huggingface.co/[owner]/name",
        "",
    ],
)
def test_what_names_none(text: str) -> None:
    assert read(text) is None


def test_a_reference_reads_as_it_is_written() -> None:
    for text in ("owner/name", "owner/name:Q4_K_M", "owner/name/file.gguf"):
        assert str(read(text)) == text
