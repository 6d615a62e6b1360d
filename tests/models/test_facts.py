from __future__ import annotations

from pathlib import Path

import pytest
from gguf import GGUFReader

from tests.gguf_files import random_model
from workbench.models import facts, library
from workbench.models.facts import Facts, FactsCache
from workbench.models.gguf import Header
from workbench.models.model_file import ModelFile
from workbench.models.pocket import MODEL_FILE


def test_headers_are_read_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    file = random_model(tmp_path / "a" / "x.gguf", layers=1, width=64, heads=2, forward=64)
    models = library.in_folder(tmp_path / "a")
    told: list[tuple[ModelFile, Facts]] = []
    FactsCache(tmp_path / "facts.json").fill(models, lambda *each: told.append(each))
    [(model, said)] = told
    assert (said.architecture, said.n_ctx, said.n_layers) == ("llama", 4096, 1)
    assert said.quantisation == "F16"
    again = FactsCache(tmp_path / "facts.json")
    assert again.known(model) == said
    again.fill(models, lambda *each: told.append(each))
    assert len(told) == 1
    file.write_bytes(MODEL_FILE.read_bytes())
    assert again.known(model) is None
    n_params = sum(int(tensor.n_elements) for tensor in GGUFReader(MODEL_FILE).tensors)
    assert again.look(model).n_params == n_params


def test_what_is_wrong_with_a_file_is_a_fact(tmp_path: Path) -> None:
    content = MODEL_FILE.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(content[:-1])
    (tmp_path / "head.gguf").write_bytes(content[:100])
    (tmp_path / "page.gguf").write_bytes(b"<html>")
    cache = FactsCache(tmp_path / "facts.json")
    problems = [cache.look(model).problem for model in library.in_folder(tmp_path)]
    assert [bool(problem) for problem in problems] == [True] * 3
    assert problems[0] == "part of its data is missing"
    assert "not a GGUF" in problems[2]


def test_a_damaged_cache_and_a_path_that_is_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text("{")
    odd = tmp_path / "odd\udcff.gguf"
    odd.write_bytes(MODEL_FILE.read_bytes())
    models = library.in_folder(tmp_path)
    FactsCache(tmp_path / "facts.json").fill(models, lambda *_: None)
    assert FactsCache(tmp_path / "facts.json").known(models[0]) is not None


def test_the_facts_of_what_is_gone_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(MODEL_FILE.read_bytes())
    [model] = library.in_folder(tmp_path)
    FactsCache(tmp_path / "facts.json").fill([model], lambda *_: None)
    FactsCache(tmp_path / "facts.json").save([])
    assert FactsCache(tmp_path / "facts.json").known(model) is None


def test_what_only_could_not_be_read_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.gguf").write_bytes(MODEL_FILE.read_bytes())
    [model] = library.in_folder(tmp_path)
    cache = FactsCache(tmp_path / "facts.json")

    def refuse(_file: Path) -> Header:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as closed:
        closed.setattr(facts, "read_header", refuse)
        cache.fill([model], lambda *_: None)
        assert cache.look(model).problem == "it cannot be read: Permission denied"
    # Neither size nor time has changed.
    assert cache.look(model).problem == ""
    assert FactsCache(tmp_path / "facts.json").look(model).architecture == "llama"
