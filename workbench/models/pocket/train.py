"""Trains the built-in model: ``python -m workbench.models.pocket.train --work FOLDER``.

Needs the extra ``train``. Vocabulary, network, heads and batches follow from the seed; a run that
was interrupted goes on from its last checkpoint with the batches that it would have had.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer

from workbench.models.pocket import MODEL_FILE, agreement, doubts, export, vocabulary
from workbench.models.pocket.checkpoint import Checkpoint
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.course import Course
from workbench.models.pocket.drawing import Mix, Order, batches, tokenizer_of
from workbench.models.pocket.learning import Learner, learning_rate
from workbench.models.pocket.network import Network, Shape
from workbench.models.pocket.topic_heads import TopicHeads, held_out_accuracy


class Part(NamedTuple):
    """A part of a training: its rate rises to the peak and falls again."""

    name: str
    mix: Mix
    steps: int


def parts_of(questions: int, conversations: int) -> list[Part]:
    """The parts of a training, each of so many steps.

    Questions alone teach the embeddings and the first block what they are about; conversations
    teach all of it to answer.
    """
    told = Mix(introductions=0.04, stories=0.04, doubts=0.35)
    return [
        Part("questions", Mix(alone=True), questions),
        Part("conversations", told, conversations),
    ]


def train(
    work: Path,
    parts: Sequence[Part],
    *,
    seed: int,
    tokens: int,
    shape: Shape,
    peak: float,
    device: str,
    workers: int,
    checkpoint_steps: int,
) -> None:
    """Train in ``parts``, the first of questions alone, in steps of ``tokens`` tokens.

    All of it is kept in ``work`` every ``checkpoint_steps`` steps, and what is there is gone on
    with. Raises SystemExit if it is of another training.
    """
    work.mkdir(parents=True, exist_ok=True)
    tokenizer_file, doubts_file = work / "tokenizer.json", work / "doubts.json"
    tokenizer = _tokenizer(tokenizer_file, seed, shape)
    torch.manual_seed(seed)
    network, heads = Network(shape).to(device), TopicHeads(shape).to(device)
    learner = Learner(network, heads, device)
    ends = [*accumulate(part.steps for part in parts)]
    measures = [[part.name, *part.mix, part.steps] for part in parts]
    measured = dataclasses.asdict(shape)
    run = {"seed": seed, "tokens": tokens, "peak": peak, "parts": measures, "shape": measured}
    checkpoint = Checkpoint(work, run, network, heads, learner.optimisers)
    done = checkpoint.load(device)
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters; steps {done} to {ends[-1]} of {tokens:,} tokens", flush=True)

    if done > ends[0] and not doubts_file.exists():
        raise SystemExit(f"{doubts_file} is missing: give another --work to begin anew.")
    names = [part.name for part in parts]
    course = Course(work, done, dict(zip(names, ends, strict=True)), tokens)
    for part, end in zip(parts, ends, strict=True):
        begun = end - part.steps
        left = range(max(begun, done), end)
        if not left:
            continue
        if done == ends[0]:
            count = sum(each.steps for each in parts[1:])
            doubts.find(doubts_file, seed, count, network, heads, tokenizer, device)
            for block in network.blocks[1:2]:
                heads.hand_on(block)
        orders = [
            Order(tokenizer_file, doubts_file, seed, step, tokens, shape.n_ctx, part.mix)
            for step in left
        ]
        for order, rows in zip(orders, batches(orders, workers), strict=True):
            rate = learning_rate(order.step - begun, part.steps, peak)
            course.add(order.step, learner.learn(rows, rate, alone=part.mix.alone))
            done = order.step + 1
            if done == end or done % checkpoint_steps == 0:
                checkpoint.save(done)
        if part.mix.alone:
            known = held_out_accuracy(network, heads, tokenizer, device)
            print(f"held-out questions whose topic the heads know: {known:.1%}", flush=True)
    course.write()


def _tokenizer(file: Path, seed: int, shape: Shape) -> Tokenizer:
    """The tokenizer in ``file``; it is trained if there is none."""
    if not file.exists():
        vocabulary.trained(Corpus(seed), shape.n_vocab).save(str(file))
    return tokenizer_of(file)


def _measures(text: str) -> dict[str, Any]:
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: float(value) if "." in value else int(value) for name, value in pairs}


def main() -> None:
    """Train, export, and check the export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=MODEL_FILE, help="the GGUF to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=2000, help="steps on questions alone")
    parser.add_argument("--conversations", type=int, default=4500, help="steps on conversations")
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a step")
    parser.add_argument("--peak", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw batches")
    parser.add_argument(
        "--checkpoint-steps", type=int, default=250, help="steps from one checkpoint to the next"
    )
    parser.add_argument("--no-export", action="store_true", help="only train")
    parser.add_argument(
        "--shape", default="", help="to try another network: n_embd=256,n_layer=6,..."
    )
    arguments = parser.parse_args()
    shape = Shape(**_measures(arguments.shape))
    if arguments.tokens % shape.n_ctx:
        parser.error(f"--tokens must be a multiple of {shape.n_ctx}, the longest row")
    train(
        arguments.work,
        parts_of(arguments.questions, arguments.conversations),
        seed=arguments.seed,
        tokens=arguments.tokens,
        shape=shape,
        peak=arguments.peak,
        device=arguments.device,
        workers=arguments.workers,
        checkpoint_steps=arguments.checkpoint_steps,
    )
    if not arguments.no_export:
        export.export(arguments.work, arguments.out, shape)
        agreement.check(arguments.work, arguments.out, shape, export.KIND)


if __name__ == "__main__":
    main()
