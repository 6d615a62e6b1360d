from __future__ import annotations

import re
import struct
import time
from pathlib import Path

import pytest
from gguf import GGUFReader

from tests.engine.malformed import Malformed
from tests.gguf_files import random_model, recurrent_model, sliding_model
from workbench.models.gguf import (
    Array,
    GgufError,
    IncompleteError,
    parse_header,
    read_array,
    read_header,
)
from workbench.models.pocket import MODEL_FILE


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("headers")
    return [
        MODEL_FILE,
        random_model(folder / "llama.gguf", layers=1, width=64, heads=2, forward=64),
        sliding_model(folder / "gemma.gguf"),
        recurrent_model(folder / "mamba.gguf"),
    ]


def test_a_header_says_what_the_reference_reader_says(files: list[Path]) -> None:
    for file in files:
        header, reference = read_header(file), GGUFReader(file)
        assert header.data_offset == reference.data_offset
        assert header.file_size <= file.stat().st_size
        assert [
            (tensor.name, tensor.type, list(tensor.shape), tensor.offset, tensor.size)
            for tensor in header.tensors
        ] == [
            (
                each.name,
                each.tensor_type.name,
                each.shape.tolist(),
                each.data_offset - reference.data_offset,
                each.n_bytes,
            )
            for each in reference.tensors
        ]
        known = {key: field for key, field in reference.fields.items() if key[:5] != "GGUF."}
        assert list(header.metadata) == list(known)
        for key, value in header.metadata.items():
            expected = known[key].contents()
            if isinstance(value, Array):
                assert value.count == len(expected)
                assert list(value.first) == expected[: len(value.first)]
                assert read_array(file, value) == expected
                assert read_array(file, value, 3, 5) == expected[3:5]
            else:
                assert value == expected


def test_long_arrays_are_not_kept() -> None:
    tokens = read_header(MODEL_FILE).metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Array)
    assert (tokens.kind, len(tokens.first), tokens.whole) == ("str", 8, False)


def test_no_more_is_read_than_the_header() -> None:
    content = MODEL_FILE.read_bytes()
    asked: list[int] = []

    def more(offset: int, count: int) -> bytes:
        asked.append(offset + count)
        return content[offset : offset + count]

    header = parse_header(more, len(content))
    assert max(asked) <= header.data_offset
    assert header == read_header(MODEL_FILE)


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_the_header_may_come_in_any_pieces(step: int) -> None:
    content = MODEL_FILE.read_bytes()
    header = parse_header(lambda at, n: content[at : at + max(n, step)], len(content))
    assert header == read_header(MODEL_FILE)


def test_a_malformed_header_is_an_error_or_a_header_and_quickly_so(tmp_path: Path) -> None:
    n_refused = 0
    for name, content in Malformed(MODEL_FILE).cases():
        file = tmp_path / "bad.gguf"
        file.write_bytes(content)
        started = time.monotonic()
        try:
            read_header(file)
        except GgufError as error:
            n_refused += 1
            assert str(error), name
        assert time.monotonic() - started < 5, name
    assert n_refused > 100


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a GGUF file: it is empty"),
        (b"<html>", "not a GGUF file"),
        (b"GGUF\x01\0\0\0" + bytes(16), "its GGUF version is 1"),
        (b"GGUF\0\0\0\x03" + bytes(16), "big-endian"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "there is no room for"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(GgufError, match=re.escape(complaint)):
        read_header(tmp_path / "bad.gguf")


def test_a_header_that_is_cut_off_is_incomplete(tmp_path: Path) -> None:
    n_header = read_header(MODEL_FILE).data_offset
    (tmp_path / "cut.gguf").write_bytes(MODEL_FILE.read_bytes()[: n_header // 2])
    with pytest.raises(IncompleteError, match="cut off"):
        read_header(tmp_path / "cut.gguf")


@pytest.mark.parametrize(
    ("n_tensors", "n_keys", "what"), [(2**19, 0, "tensors"), (0, 2**19, "keys")]
)
def test_more_than_any_model_has_is_not_read(n_tensors: int, n_keys: int, what: str) -> None:
    begin = b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_keys)
    asked: list[int] = []

    def more(offset: int, count: int) -> bytes:
        asked.append(offset)
        return begin[offset : offset + count]

    with pytest.raises(GgufError, match=f"has {2**19} {what}: no model"):
        parse_header(more, 2**30)
    assert max(asked) < len(begin)
