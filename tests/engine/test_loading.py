"""What a model is loaded with acts, and what cannot act is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf import GGUFReader

from tests.engine.reports import answer, only, reports_until, the
from tests.gguf_files import control_vector, lora_adapter, random_model
from workbench.engine.client import EngineClient, EngineDied
from workbench.engine.protocol import ChatMessage, Failed, Finished, Loaded, ModelSource
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Value, Values

STORY = [ChatMessage("user", "Tell me a story about a fox.")]
GREEDY: Values = {"temperature": 0, "max_tokens": 24, "ignore_eos": True}

LAYERS = int(GGUFReader(MODEL_FILE).fields["llama.block_count"].contents())
WIDTH = int(GGUFReader(MODEL_FILE).fields["llama.embedding_length"].contents())


async def story(engine: EngineClient, **values: Value) -> str:
    """What the built-in model tells when it is loaded with ``values``."""
    return (await answer(engine, ModelSource.of(MODEL_FILE, values), GREEDY, STORY))[0]


async def loaded(engine: EngineClient, values: Values, file: Path = MODEL_FILE) -> Loaded:
    await engine.load(ModelSource.of(file, values))
    return the(Loaded, await reports_until(engine, _is_over))


async def refusal(engine: EngineClient, values: Values, file: Path = MODEL_FILE) -> str:
    await engine.load(ModelSource.of(file, values))
    return the(Failed, await reports_until(engine, _is_over)).message


def _is_over(report: object) -> bool:
    return isinstance(report, Loaded | Finished | Failed | EngineDied)


# ---- adapters ----------------------------------------------------------------------------------


async def test_a_lora_adapter_acts_by_its_scale(engine: EngineClient, tmp_path: Path) -> None:
    adapter = lora_adapter(tmp_path / "style.gguf", width=WIDTH, layers=LAYERS)
    plain = await story(engine)
    assert await story(engine, lora=(f"{adapter}:0",)) == plain
    once = await story(engine, lora=(f"{adapter}:0.25",))
    assert once != plain
    assert await story(engine, lora=(f"{adapter}:0.125", f"{adapter}:0.125")) == once


async def test_a_control_vector_acts_by_its_scale_and_layers(
    engine: EngineClient, tmp_path: Path
) -> None:
    vector = control_vector(tmp_path / "calm.gguf", width=WIDTH, layers=LAYERS)
    plain = await story(engine)
    assert await story(engine, control_vector=(f"{vector}:0",)) == plain
    full = await story(engine, control_vector=(f"{vector}",))
    assert full != plain
    last = await story(engine, control_vector=(f"{vector}",), control_vector_layer_start=LAYERS - 1)
    assert last not in (full, plain)
    assert await story(engine, control_vector=(f"{vector}:0.5", f"{vector}:0.5")) == full


async def test_wrong_adapters_are_sentences(engine: EngineClient, tmp_path: Path) -> None:
    narrow = control_vector(tmp_path / "narrow.gguf", width=8, layers=1)
    assert "is made for another model" in await refusal(engine, {"control_vector": (f"{narrow}",)})
    odd = control_vector(tmp_path / "odd.gguf", width=WIDTH, layers=1, name="weather")
    assert "is no control vector: it holds a tensor 'weather.1'" in await refusal(
        engine, {"control_vector": (f"{odd}",)}
    )
    foreign = lora_adapter(tmp_path / "f.gguf", width=WIDTH, layers=1, architecture="gemma")
    assert "could not load the LoRA adapter" in await refusal(engine, {"lora": (f"{foreign}",)})
    assert "could not load the LoRA adapter" in await refusal(engine, {"lora": (f"{MODEL_FILE}",)})
    for key in ("lora", "control_vector"):
        missing = {key: (str(tmp_path / "missing.gguf"),)}
        assert "there is no file" in await refusal(engine, missing)
    assert await story(engine)


# ---- the model's and the context's own ---------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"rope_freq_scale": 0.25},
        {"rope_freq_base": 100.0},
        {"rope_scaling": "yarn", "rope_freq_scale": 0.25, "yarn_orig_ctx": 64},
        {"kv_overrides": ("llama.rope.freq_base=float:100",)},
    ],
    ids=str,
)
async def test_it_changes_what_is_told(engine: EngineClient, values: dict[str, Value]) -> None:
    assert await story(engine, **values) != await story(engine)


@pytest.mark.parametrize(
    "values",
    [
        *({"load_mode": mode} for mode in ("none", "mmap", "mlock", "mmap+mlock", "dio")),
        {"check_tensors": True},
        {"n_threads": 2, "n_threads_batch": 1},
        {"n_batch": 8},
        {"n_ubatch": 4},
        {"n_batch": 4, "n_ubatch": 512},
        {"offload_kqv": False, "op_offload": False},
        {"swa_full": True},
        {"numa": "distribute"},
    ],
    ids=str,
)
async def test_it_changes_how_but_not_what(engine: EngineClient, values: dict[str, Value]) -> None:
    assert await story(engine, **values) == await story(engine)


@pytest.mark.parametrize("cache_type", ["f32", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "iq4_nl"])
async def test_the_cache_may_be_of_any_type(engine: EngineClient, cache_type: str) -> None:
    assert await story(engine, cache_type_k=cache_type, cache_type_v=cache_type)


async def test_what_cannot_be_is_refused(engine: EngineClient, tmp_path: Path) -> None:
    unquantised = await refusal(engine, {"flash_attn": "off", "cache_type_v": "q8_0"})
    assert "quantized V cache requires flash_attn" in unquantised
    assert "names 99 GPUs" in await refusal(engine, {"tensor_split": ("1",) * 99})
    broken = random_model(tmp_path / "nan.gguf", layers=1, width=32, heads=1, forward=32)
    data = bytearray(broken.read_bytes())
    data[-64:] = b"\xff" * 64
    broken.write_bytes(data)
    assert "invalid" in await refusal(engine, {"check_tensors": True}, broken)
    assert await loaded(engine, {}, broken)


async def test_what_cannot_write_is_refused(engine: EngineClient, tmp_path: Path) -> None:
    """A diffusion model, as one that makes embeddings, has no memory of what it read."""
    file = random_model(
        tmp_path / "llada.gguf", architecture="llada", layers=1, width=32, heads=1, forward=32
    )
    assert "cannot write token by token" in await refusal(engine, {}, file)
    assert await loaded(engine, {})


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"n_gpu_layers": 5}, "n_gpu_layers has no effect"),
        ({"split_mode": "row", "main_gpu": 1}, "split_mode, main_gpu have no effect"),
        ({"swa_full": True}, "no sliding window"),
        ({"n_ctx": 4096}, "more than the 1024 tokens"),
    ],
    ids=str,
)
async def test_what_does_not_act_is_said(engine: EngineClient, values: Values, note: str) -> None:
    [said] = (await loaded(engine, values)).notes
    assert note in said


async def test_another_numa_strategy_wants_another_engine(engine: EngineClient) -> None:
    assert (await loaded(engine, {"numa": "distribute"})).notes == []
    [said] = (await loaded(engine, {"numa": "isolate"})).notes
    assert "started again" in said


# ---- what the file says ------------------------------------------------------------------------


async def test_a_file_brings_its_own_defaults(engine: EngineClient, tmp_path: Path) -> None:
    file = random_model(
        tmp_path / "own.gguf",
        layers=1,
        width=32,
        heads=1,
        forward=32,
        metadata={
            "general.sampling.temp": 0.0,
            "general.sampling.top_k": 7,
            "general.sampling.sequence": "top_k;temperature",
            "general.sampling.min_p": 3.5,
        },
    )
    event = await loaded(engine, {}, file)
    assert event.model.defaults == {
        "temperature": 0,
        "top_k": 7,
        "samplers": ("top_k", "temperature"),
    }
    [note] = event.notes
    assert "general.sampling.min_p is ignored: min_p takes 0 to 1" in note

    source = ModelSource.of(file)
    short: Values = {"max_tokens": 12, "ignore_eos": True}
    first, second = [(await answer(engine, source, short))[0] for _ in range(2)]
    assert first == second
    hot = {**short, "temperature": 2.0, "samplers": ("temperature",)}
    assert (await answer(engine, source, hot))[0] != first


async def test_a_broken_template_is_said_at_once_and_another_may_be_chosen(
    engine: EngineClient, tmp_path: Path
) -> None:
    file = random_model(
        tmp_path / "broken.gguf", layers=1, width=32, heads=1, forward=32, template="a\n{% if %}"
    )
    [note] = (await loaded(engine, {}, file)).notes
    assert "broken at line 2" in note
    assert "chatml" in note
    source = ModelSource.of(file)
    text, _ = await answer(engine, source, {"chat_template": "chatml", "max_tokens": 3})
    assert text
    await engine.generate(source, only(STORY, {}))
    failed = the(Failed, await reports_until(engine, _is_over))
    assert "broken at line 2" in failed.message


async def test_a_file_that_was_replaced_is_loaded_anew(
    engine: EngineClient, tmp_path: Path
) -> None:
    file, other = tmp_path / "model.gguf", tmp_path / "other.gguf"
    for path, heads in ((file, 1), (other, 2)):
        random_model(path, layers=1, width=32, heads=heads, forward=32)
    source = ModelSource.of(file)
    assert await loaded(engine, {}, file)
    other.replace(file)
    await engine.generate(source, only(STORY, {"max_tokens": 1}))
    reports = await reports_until(engine, lambda report: isinstance(report, Finished | Failed))
    assert the(Loaded, reports)
    adapter, stronger = tmp_path / "style.gguf", tmp_path / "stronger.gguf"
    source = ModelSource.of(file, {"lora": (f"{adapter}",)})
    lora_adapter(adapter, width=32, layers=1)
    assert isinstance(await loaded(engine, {"lora": (f"{adapter}",)}, file), Loaded)
    lora_adapter(stronger, width=32, layers=1)
    stronger.replace(adapter)
    await engine.generate(source, only(STORY, {"max_tokens": 1}))
    reports = await reports_until(engine, lambda report: isinstance(report, Finished | Failed))
    assert the(Loaded, reports)
    # What is gone can still be asked.
    file.unlink()
    await answer(engine, source, {"max_tokens": 1})
