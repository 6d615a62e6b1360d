"""Trains the built-in model: ``python -m workbench.models.pocket.train --work FOLDER``.

Needs the extra ``train``. Vocabulary, network and batches follow from the seed; a run that
was interrupted goes on from its last checkpoint with the batches that it would have had.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from workbench.models.pocket import MODEL_FILE, agreement, export, generated, vocabulary
from workbench.models.pocket.answering import held_out_answers
from workbench.models.pocket.chatml import Turn
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.corpus import held_out
from workbench.models.pocket.course import Course
from workbench.models.pocket.muon import Muon
from workbench.models.pocket.network import Network, Shape
from workbench.models.pocket.wording import plain

_WARM_UP: Final = 100
_IGNORED: Final = -100
_CHECKPOINT_STEPS: Final = 250
# A row begins with a conversation's beginning. Most rows are short, as most chats are; every
# eighth step shows the network the whole length of its context.
_SHORT_ROW: Final = 256

# What an answer is about is decided by its first words: many beginnings teach more of the
# questions than few whole answers.
_BEGUN_SHARE: Final = 0.6
_BEGUN_TOKENS: Final = 8

Batch = tuple[list[list[int]], list[list[int]]]


@cache
def _tokenizer(file: Path) -> Tokenizer:
    return Tokenizer.from_file(str(file))


def batch(file: Path, seed: int, step: int, tokens: int, longest: int) -> Batch:
    """Inputs and targets of one step, rows of equal length, ``tokens`` each in all.

    What is not to be learned is ignored in the targets. ``file`` is the tokenizer's.
    """
    length = longest if step % 8 == 7 else min(_SHORT_ROW, longest)
    corpus = Corpus(seed * 1_000_003 + step)
    # Apart from the conversations: what is cut is not to follow from what is said.
    draw = random.Random(f"torn and cut {seed} {step}")
    inputs, targets = [], []
    for _ in range(tokens // length):
        row: list[int] = []
        learned: list[bool] = []
        while len(row) <= length:
            more, wanted = vocabulary.encoded(_tokenizer(file), corpus.conversation(), draw)
            if draw.random() < _BEGUN_SHARE:
                begun = wanted.index(True) + _BEGUN_TOKENS
                more, wanted = more[:begun], wanted[:begun]
            row += more
            learned += wanted
        inputs.append(row[:length])
        marked = [token if wanted else _IGNORED for token, wanted in zip(row, learned, strict=True)]
        targets.append(marked[1 : length + 1])
    return inputs, targets


def _numbered_batch(job: tuple[Path, int, int, int, int]) -> Batch:
    return batch(*job)


def batches(
    file: Path, seed: int, steps: range, tokens: int, longest: int, workers: int
) -> Iterator[Batch]:
    """The batches of ``steps`` in order, drawn by ``workers`` processes ahead of their use."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        # A window of its own for what is under way: imap alone would draw them all at once.
        window = 8 * workers
        for begun in range(steps.start, steps.stop, window):
            part = range(begun, min(begun + window, steps.stop))
            jobs = [(file, seed, step, tokens, longest) for step in part]
            yield from pool.imap(_numbered_batch, jobs)


def loss_of(network: Network, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of the learned tokens, in nats."""
    learned = targets != _IGNORED
    # The weights stay in float32; products in bfloat16 where they are faster.
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda):
        logits = network(inputs, learned)
    return functional.cross_entropy(logits.float(), targets[learned])


def held_out_loss(network: Network, tokenizer: Tokenizer, device: str) -> float:
    """Mean loss of the answers to wordings that training never sees, in nats per token.

    Of a topic's answers the likeliest counts: any of them is right.
    """
    asked = [(question, topic) for topic in generated.topics() for question in held_out(topic)]
    pairs = [(question, plain(answer)) for question, topic in asked for answer in topic.answer]
    network.eval()
    losses = iter(_losses(network, tokenizer, device, pairs))
    network.train()
    best = [min(next(losses) for _ in topic.answer) for _, topic in asked]
    return sum(best) / len(best)


def _losses(
    network: Network, tokenizer: Tokenizer, device: str, pairs: Sequence[tuple[str, str]]
) -> list[float]:
    """The mean loss of each question's answer."""
    found: list[float] = []
    for begun in range(0, len(pairs), 64):
        rows = [
            vocabulary.encoded(tokenizer, [Turn("user", question), Turn("assistant", answer)])
            for question, answer in pairs[begun : begun + 64]
        ]
        width = max(len(tokens) for tokens, _ in rows)
        inputs = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens, _ in rows])
        learned = torch.tensor([marks + [False] * (width - len(marks)) for _, marks in rows])
        inputs, learned = inputs.to(device), learned[:, 1:].to(device)
        with torch.no_grad():
            logits = network(inputs[:, :-1]).float()
        losses = functional.cross_entropy(logits.mT, inputs[:, 1:], reduction="none")
        found += ((losses * learned).sum(1) / learned.sum(1)).tolist()
    return found


def learning_rate(step: int, steps: int, peak: float) -> float:
    """A linear warm-up, then a half cosine down to a fiftieth."""
    if step < _WARM_UP:
        return peak * (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def _optimisers(network: Network, device: str) -> list[torch.optim.Optimizer]:
    matrices = [weight for weight in network.blocks.parameters() if weight.dim() == 2]
    gains = [weight for weight in network.parameters() if weight.dim() < 2]
    return [
        Muon(matrices, weight_decay=0.1),
        torch.optim.AdamW(
            [
                {"params": [network.token_embd.weight], "weight_decay": 0.1},
                {"params": gains, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.95),
            fused=device == "cuda",
        ),
    ]


def train(
    work: Path,
    *,
    seed: int,
    steps: int,
    tokens: int,
    shape: Shape,
    peak: float,
    device: str,
    workers: int,
) -> Path:
    """Train to ``steps`` and return the checkpoint; goes on from one that is there."""
    work.mkdir(parents=True, exist_ok=True)
    checkpoint, words = work / "checkpoint.pt", work / "tokenizer.json"
    if not words.exists():
        vocabulary.trained(Corpus(seed), shape.n_vocab).save(str(words))
    torch.manual_seed(seed)
    network = Network(shape).to(device)
    optimisers = _optimisers(network, device)
    begun = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=device)
        network.load_state_dict(saved["network"])
        for optimiser, state in zip(optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        begun = saved["step"]
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters; steps {begun} to {steps} of {tokens:,} tokens", flush=True)

    course = Course(work, begun, steps, tokens)
    started = time.monotonic()
    drawn = batches(words, seed, range(begun, steps), tokens, shape.n_ctx, workers)
    for step, (inputs, targets) in enumerate(drawn, start=begun):
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            group["lr"] = learning_rate(step, steps, peak)
        loss = loss_of(
            network, torch.tensor(inputs, device=device), torch.tensor(targets, device=device)
        )
        network.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        course.add(step, loss.item(), time.monotonic() - started)
        if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == steps:
            beside = checkpoint.with_suffix(".new")
            state = {
                "network": network.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in optimisers],
                "step": step + 1,
            }
            torch.save(state, beside)
            beside.replace(checkpoint)
    course.write()
    tokenizer = _tokenizer(words)
    held = held_out_loss(network, tokenizer, device)
    print(f"held-out loss {held:.3f} (perplexity {math.exp(held):.2f})")
    right, asked, wrong = held_out_answers(network, tokenizer, device)
    print(f"held-out wordings answered on their topic: {right} of {asked} ({right / asked:.1%})")
    (work / "wrong.txt").write_text("\n".join(wrong), encoding="utf-8")
    return checkpoint


def _measures(text: str) -> dict[str, Any]:
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: float(value) if "." in value else int(value) for name, value in pairs}


def main() -> None:
    """Train, export, and check the export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=MODEL_FILE, help="the GGUF to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2800)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a step")
    parser.add_argument("--peak", type=float, default=3e-3, help="the highest learning rate")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw batches")
    parser.add_argument("--no-export", action="store_true", help="only train")
    parser.add_argument(
        "--shape", default="", help="to try another network: n_embd=256,n_layer=6,..."
    )
    arguments = parser.parse_args()
    shape = Shape(**_measures(arguments.shape))
    train(
        arguments.work,
        seed=arguments.seed,
        steps=arguments.steps,
        tokens=arguments.tokens,
        shape=shape,
        peak=arguments.peak,
        device=arguments.device,
        workers=arguments.workers,
    )
    if not arguments.no_export:
        export.export(arguments.work, arguments.out, shape)
        agreement.check(arguments.work, arguments.out, shape, export.KIND)


if __name__ == "__main__":
    main()
