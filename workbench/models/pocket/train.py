"""Trains the built-in model: ``python -m workbench.models.pocket.train --work FOLDER``.

Needs the extra ``train``. Vocabulary, network, heads and batches follow from the seed; a run that
was interrupted goes on from its last checkpoint with the batches that it would have had.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.models.pocket import MODEL_FILE, agreement, export, vocabulary
from workbench.models.pocket.checkpoint import Checkpoint
from workbench.models.pocket.conversation import Corpus
from workbench.models.pocket.course import Course
from workbench.models.pocket.drawing import IGNORED, Batch, Order, batches, tokenizer_of
from workbench.models.pocket.muon import Muon
from workbench.models.pocket.network import Network, Shape
from workbench.models.pocket.topic_heads import TopicHeads, held_out_accuracy

_WARM_UP: Final = 100
_CHECKPOINT_STEPS: Final = 250
# What was learned of questions alone is then changed with care.
_LEARNED_SCALE: Final = 0.3


def question_loss(network: Network, heads: TopicHeads, rows: Batch) -> Tensor:
    """Mean cross-entropy of the questions' topics, in nats, of both heads added."""
    inputs, _, topics, positions, _ = _tensors(rows, network)
    asked = topics != IGNORED
    with _fast_products(inputs):
        (first,) = network.states(inputs, positions, blocks=1)
        by_state = heads.by_state(first[asked])
        by_words = heads.by_words(network.token_embd(inputs), positions, asked)
    return functional.cross_entropy(by_state.float(), topics[asked]) + functional.cross_entropy(
        by_words.float(), topics[asked]
    )


def conversation_losses(network: Network, heads: TopicHeads, rows: Batch) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of the answers' tokens and that of the questions' topics, in nats."""
    inputs, targets, topics, positions, hidden = _tensors(rows, network)
    learned, asked = targets != IGNORED, topics != IGNORED
    with _fast_products(inputs):
        states = network.states(inputs, positions, hidden)
        logits = network.logits(states[-1][learned])
        by_state = heads.by_state(states[0][asked])
    return (
        functional.cross_entropy(logits.float(), targets[learned]),
        functional.cross_entropy(by_state.float(), topics[asked]),
    )


def _tensors(rows: Batch, network: Network) -> list[Tensor]:
    return [torch.tensor(each, device=network.output.weight.device) for each in rows]


def _fast_products(inputs: Tensor) -> torch.autocast:
    """The weights stay in float32; products are made in bfloat16 where that is faster."""
    return torch.autocast(inputs.device.type, torch.bfloat16, enabled=inputs.is_cuda)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """A linear warm-up, then a half cosine down to a fiftieth."""
    if step < _WARM_UP:
        return peak * (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def _optimisers(network: Network, heads: TopicHeads, device: str) -> list[torch.optim.Optimizer]:
    """Of each group ``scale`` is what the rate is multiplied with once conversations are seen."""
    first, *others = network.blocks

    def matrices(part: nn.Module) -> list[nn.Parameter]:
        return [weight for weight in part.parameters() if weight.dim() == 2]

    def group(weights: list[nn.Parameter], decay: float, scale: float = 1.0) -> dict[str, Any]:
        return {"params": weights, "weight_decay": decay, "scale": scale}

    def gains(part: nn.Module) -> list[nn.Parameter]:
        return [weight for weight in part.parameters() if weight.dim() < 2]

    later = [weight for block in others for weight in matrices(block)]
    return [
        Muon([group(matrices(first), 0.1, _LEARNED_SCALE), group(later, 0.1)]),
        torch.optim.AdamW(
            [
                group([network.token_embd.weight], 0.1, _LEARNED_SCALE),
                group([network.output.weight, *heads.parameters()], 0.1),
                group(gains(first), 0.0, _LEARNED_SCALE),
                group([*gains(nn.ModuleList(others)), *gains(network.output_norm)], 0.0),
            ],
            betas=(0.9, 0.95),
            fused=device == "cuda",
        ),
    ]


def train(
    work: Path,
    *,
    seed: int,
    questions: int,
    steps: int,
    tokens: int,
    shape: Shape,
    peak: float,
    device: str,
    workers: int,
) -> None:
    """Train for ``questions`` and then ``steps`` steps of ``tokens`` tokens each.

    The first steps see questions alone and teach the embeddings and the first block what they
    are about; the others see conversations and teach all of it to answer. The rate rises to
    ``peak`` and falls again in either part. ``work`` then holds the checkpoint; one that is there
    is gone on with. Raises SystemExit if it is of another training.
    """
    work.mkdir(parents=True, exist_ok=True)
    tokenizer_file = work / "tokenizer.json"
    if not tokenizer_file.exists():
        vocabulary.trained(Corpus(seed), shape.n_vocab).save(str(tokenizer_file))
    torch.manual_seed(seed)
    network, heads = Network(shape).to(device), TopicHeads(shape).to(device)
    optimisers = _optimisers(network, heads, device)
    last = questions + steps
    run = {"seed": seed, "questions": questions, "steps": steps, "tokens": tokens, "peak": peak}
    checkpoint = Checkpoint(work, run, network, heads, optimisers)
    begun = checkpoint.load(device)
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters; steps {begun} to {last} of {tokens:,} tokens", flush=True)

    course = Course(work, begun, (questions, last), tokens)
    orders = [
        Order(tokenizer_file, seed, step, tokens, shape.n_ctx, step < questions)
        for step in range(begun, last)
    ]
    for order, rows in zip(orders, batches(orders, workers), strict=True):
        done = order.step + 1
        part = (order.step, questions) if order.questions else (order.step - questions, steps)
        for group in (group for optimiser in optimisers for group in optimiser.param_groups):
            scale = 1.0 if order.questions else group["scale"]
            group["lr"] = scale * learning_rate(*part, peak)
        if order.questions:
            losses = [question_loss(network, heads, rows)]
        else:
            losses = [*conversation_losses(network, heads, rows)]
        network.zero_grad()
        heads.zero_grad()
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_([*network.parameters(), *heads.parameters()], 1.0)
        for optimiser in optimisers:
            optimiser.step()
        course.add(order.step, losses[0].item())
        part_is_over = done in (questions, last)
        if part_is_over or done % _CHECKPOINT_STEPS == 0:
            checkpoint.save(done)
        if part_is_over:
            known = held_out_accuracy(network, heads, tokenizer_of(tokenizer_file), device)
            print(f"held-out questions whose topic the first block knows: {known:.1%}", flush=True)
    course.write()


def _measures(text: str) -> dict[str, Any]:
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: float(value) if "." in value else int(value) for name, value in pairs}


def main() -> None:
    """Train, export, and check the export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=MODEL_FILE, help="the GGUF to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=1200, help="steps on questions alone")
    parser.add_argument("--steps", type=int, default=3500, help="steps on conversations")
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
    if arguments.tokens % shape.n_ctx:
        parser.error(f"--tokens must be a multiple of {shape.n_ctx}, the longest row")
    train(
        arguments.work,
        seed=arguments.seed,
        questions=arguments.questions,
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
