"""The training of the built-in model, where the extra ``train`` is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

torch: Any = pytest.importorskip("torch")
gguf: Any = pytest.importorskip("gguf")

from workbench.models.pocket import (  # noqa: E402
    agreement,
    doubts,
    export,
    generated,
    vocabulary,
)
from workbench.models.pocket.conversation import Corpus  # noqa: E402
from workbench.models.pocket.corpus import content  # noqa: E402
from workbench.models.pocket.drawing import (  # noqa: E402
    IGNORED,
    Mix,
    Order,
    batch,
    doubts_of,
    tokenizer_of,
)
from workbench.models.pocket.network import Network, Shape, attention_mask  # noqa: E402
from workbench.models.pocket.topic_heads import TopicHeads, beliefs  # noqa: E402

_MEASURES: Final = {
    "n_vocab": 600, "n_embd": 64, "n_layer": 2, "n_ff": 96, "n_head": 2, "n_head_kv": 1,
}  # fmt: skip
F16: Final = gguf.GGMLQuantizationType.F16
_TINY_SHAPE: Final = Shape(**_MEASURES)
_TINY: Final = ",".join(f"{name}={value}" for name, value in _MEASURES.items())


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("words") / "tokenizer.json"
    vocabulary.trained(Corpus(1), 600).save(str(file))
    return file


def test_a_token_sees_its_own_conversation_so_far() -> None:
    seen = attention_mask(torch.tensor([[0, 1, 0, 1, 2]]))[0].int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]


def test_conversations_in_one_row_are_read_as_if_each_were_alone() -> None:
    torch.manual_seed(0)
    network = Network(Shape(n_vocab=100, n_embd=64, n_layer=2, n_head=4, n_ff=96, n_ctx=64))
    first, second = torch.randint(0, 100, (1, 10)), torch.randint(0, 100, (1, 17))
    positions = torch.tensor([[*range(10), *range(17)]])
    together = network.states(torch.cat((first, second), 1), positions)[-1]
    alone = torch.cat([network.states(tokens)[-1] for tokens in (first, second)], 1)
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("step", [0, 7])
def test_what_is_learned_follows_what_is_seen(
    tokenizer_file: Path, tmp_path: Path, *, alone: bool, step: int
) -> None:
    doubts_file = tmp_path / "doubts.json"
    doubts_file.write_text('[["Is token of the?", "token"], ["Do you quit tea?", "quit"]]')
    tokenizer = tokenizer_of(tokenizer_file)
    start, newline = tokenizer.token_to_id("<|im_start|>"), tokenizer.encode("\n").ids
    names = list(generated.topic_numbers())
    mix = Mix(alone=True) if alone else Mix(stories=0.1, introductions=0.1, doubts=0.2)
    rows = batch(Order(tokenizer_file, doubts_file, 1, step, 2048, 1024, mix))
    assert len(rows.inputs) == (2 if step == 7 and not alone else 8)
    topics = set()
    for inputs, targets, numbers, positions in zip(*rows, strict=True):
        ahead = zip(inputs[1:], targets, strict=False)
        assert all(target in (IGNORED, token) for token, target in ahead)
        asked = [at for at, number in enumerate(numbers) if number != IGNORED]
        assert all(inputs[at : at + 1] == newline for at in asked)
        topics |= {names[numbers[at]] for at in asked}
        begun = [at for at, position in enumerate(positions) if position == 0]
        assert all(inputs[at] == start for at in begun)
        assert begun[0] == 0
    assert len(topics) > 10
    # Where answers are begun only, questions are among them that are hard to tell.
    text = "".join(tokenizer.decode(inputs) for inputs in rows.inputs)
    assert ("Is token of the?" in text) is (step == 0 and not alone)
    learned = any(target != IGNORED for row in rows.targets for target in row)
    assert learned is not alone


def test_a_mix_is_what_it_says(tokenizer_file: Path, tmp_path: Path) -> None:
    doubts_file = tmp_path / "doubts.json"
    doubts_file.write_text('[["Is token of the?", "token"]]')
    tokenizer, names = tokenizer_of(tokenizer_file), list(generated.topic_numbers())

    def drawn(mix: Mix) -> tuple[str, set[str]]:
        rows = batch(Order(tokenizer_file, doubts_file, 1, 0, 2048, 1024, mix))
        topics = {names[number] for row in rows.topics for number in row if number != IGNORED}
        return "".join(tokenizer.decode(inputs) for inputs in rows.inputs), topics

    text, topics = drawn(Mix(doubts=1))
    assert topics == {"token"}
    assert text.count("Is token of the?") > 50
    text, topics = drawn(Mix(stories=1))
    assert not topics
    heroes = content("stories.toml")["names"].values()
    assert sum(f" {name} " in text for name in heroes) > 5
    text, _ = drawn(Mix(introductions=1))
    assert text.lower().count("name") > 20


def test_only_what_a_tables_row_says_is_never_cut(tokenizer_file: Path, tmp_path: Path) -> None:
    doubts_file = tmp_path / "doubts.json"
    doubts_file.write_text("[]")
    tokenizer, topics = tokenizer_of(tokenizer_file), generated.topics()
    whole: dict[str, list[bool]] = {}
    for step in range(6):
        rows = batch(Order(tokenizer_file, doubts_file, 1, step, 8192, 1024, Mix()))
        for inputs, numbers in zip(rows.inputs, rows.topics, strict=True):
            text = [tokenizer.id_to_token(token) for token in inputs]
            for at, number in enumerate(numbers):
                # Up to the next conversation; what the row's own end cuts says nothing.
                said = text[at + 1 :]
                if number != IGNORED and "<|im_start|>" in said:
                    answer = said[: said.index("<|im_start|>")]
                    ended = "<|im_end|>" in answer
                    whole.setdefault(topics[number].origin, []).append(ended)
    assert all(whole["row"])
    assert len(whole["row"]) > 30
    assert sum(whole["written"]) / len(whole["written"]) < 0.5


def test_questions_that_the_heads_doubt_are_taken_for_what_they_say(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network, heads = Network(_TINY_SHAPE), TopicHeads(_TINY_SHAPE)
    # Much louder than it begins, so that it is surer of some questions than of others.
    torch.nn.init.normal_(heads.of_mean.weight, std=12.0)
    tokenizer, file = tokenizer_of(tokenizer_file), tmp_path / "doubts.json"
    doubts.find(file, 1, 10, network, heads, tokenizer, "cpu")
    found, names = doubts_of(file), list(generated.topic_numbers())
    assert 10 < len(found) < 300
    likeliest = 0
    for question, topic in found:
        (probable,) = beliefs(network, heads, tokenizer, [question], "cpu")
        assert 0.15 < probable.max() < 0.99
        # Drawn by the squares of what is probable.
        assert probable[names.index(topic)] > probable.max() / 100
        likeliest += topic == names[int(probable.argmax())]
    assert len(found) / 2 < likeliest < len(found)


def test_related_topics_are_those_with_words_in_common() -> None:
    torch.manual_seed(0)
    heads, names = TopicHeads(_TINY_SHAPE), list(generated.topic_numbers())
    with torch.no_grad():
        heads.of_mean.weight[7] = 3 * heads.of_mean.weight[40]
    related = doubts.related(heads)
    assert list(related) == names
    assert related[names[7]][0] == names[40]
    assert related[names[40]][0] == names[7]
    assert not [name for name, others in related.items() if name in others]


def test_a_block_that_is_handed_on_the_topics_tells_them_further_apart() -> None:
    torch.manual_seed(0)
    network, heads = Network(_TINY_SHAPE), TopicHeads(_TINY_SHAPE)
    block = network.blocks[1]
    length = block.ffn_up.weight.norm(dim=-1).mean()
    heads.hand_on(block)
    assert torch.allclose(block.ffn_up.weight.norm(dim=-1), length)
    seven, nine = torch.nn.functional.normalize(heads.of_state.weight[[7, 9]], dim=-1)
    for of_seven in (1.5, 0.67):
        state = torch.nn.functional.rms_norm(of_seven * seven + nine, seven.shape)
        logits = heads.by_state(state)[[7, 9]]
        gate, value = block.ffn_gate(state), block.ffn_up(state)
        units = torch.nn.functional.silu(gate) * value
        assert units.argmax() == (7 if of_seven > 1 else 9)
        assert (units[7] / units[9]).log().abs() > 1.5 * (logits[0] / logits[1]).log().abs()


def _train(work: Path, stop_behind: str = "") -> None:
    """A small training, killed behind a line that begins so."""
    command = [sys.executable, "-m", "workbench.models.pocket.train", "--work", str(work)]
    command += ["--questions", "3", "--conversations", "60", "--tokens", "1024", "--shape", _TINY]
    with subprocess.Popen(
        [*command, "--checkpoint-steps", "20", "--no-export"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if stop_behind and line.startswith(stop_behind):
                os.killpg(process.pid, signal.SIGKILL)
                return
    assert process.returncode == 0


def test_a_training_that_was_interrupted_comes_to_the_same_weights(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for work in (whole, broken):
        work.mkdir()
        (work / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    _train(whole)
    _train(broken, stop_behind="held-out")
    saved = torch.load(broken / "checkpoint.pt")
    assert saved["step"] == 3
    _train(broken, stop_behind="conversations 50/63")
    assert torch.load(broken / "checkpoint.pt")["step"] == 40
    _train(broken)
    ours, theirs = (torch.load(work / "checkpoint.pt") for work in (whole, broken))
    assert ours["step"] == theirs["step"] == 63
    for name, weight in ours["network"].items():
        assert torch.equal(weight, theirs["network"][name]), name
    # The second block went on from what the head knew.
    topics = torch.nn.functional.normalize(saved["heads"]["of_state.weight"], dim=-1)
    for name in ("ffn_gate", "ffn_up"):
        units = ours["network"][f"blocks.1.{name}.weight"]
        alike = torch.nn.functional.cosine_similarity(units, topics[: len(units)], dim=-1)
        assert alike.mean() > 0.5
    # Questions alone teach only the embeddings and the first block.
    torch.manual_seed(1)
    start = Network(_TINY_SHAPE).state_dict()
    changed = {
        name for name, weight in saved["network"].items() if not torch.equal(weight, start[name])
    }
    assert changed == {name for name in start if name.startswith(("token_embd", "blocks.0"))}


def test_another_training_is_not_gone_on_with(tokenizer_file: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    _train(tmp_path)
    # What it has learned is in the file that is made of it, to the last token.
    out = tmp_path / "tiny.gguf"
    export.export(tmp_path, out, _TINY_SHAPE, F16)
    agreement.check(tmp_path, out, _TINY_SHAPE, F16, limit=12)
    command = [sys.executable, "-m", "workbench.models.pocket.train", "--work", str(tmp_path)]
    command += ["--questions", "2", "--tokens", "1024", "--shape", _TINY]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.returncode == 1
    assert "another --work" in said.stderr
    assert "Traceback" not in said.stderr
