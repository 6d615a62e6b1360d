"""Trains the built-in model: ``python -m workbench.models.pocket.train``.

Needs the extra ``train``. Vocabulary, network and batches follow from the seed; a run that
was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from workbench.models.pocket import MODEL_FILE, export, vocabulary
from workbench.models.pocket.corpus import Corpus, Turn, plain, topics, unseen
from workbench.models.pocket.network import Network, Shape

_PEAK_RATE: Final = 2e-3
_WARM_UP: Final = 60
_IGNORED: Final = -100
_REPORT_STEPS: Final = 25
_CHECKPOINT_STEPS: Final = 200


def batch(
    tokenizer: Tokenizer, seed: int, step: int, rows: int, length: int
) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one step, each ``(rows, length)``; what is not learned is ignored.

    A row begins with a conversation's beginning, as every chat does.
    """
    corpus = Corpus(seed * 1_000_003 + step)
    inputs, targets = [], []
    for _ in range(rows):
        tokens: list[int] = []
        learned: list[bool] = []
        while len(tokens) <= length:
            more, wanted = vocabulary.encoded(tokenizer, corpus.conversation())
            tokens += more
            learned += wanted
        inputs.append(tokens[:length])
        targets.append(
            [token if wanted else _IGNORED for token, wanted in zip(tokens, learned, strict=True)][
                1 : length + 1
            ]
        )
    return torch.tensor(inputs), torch.tensor(targets)


def loss_of(network: Network, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of the learned tokens, in nats."""
    # Twice as fast on a CPU that multiplies bfloat16; the weights stay in float32.
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(inputs)
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=_IGNORED
    )


def held_out_loss(network: Network, tokenizer: Tokenizer) -> float:
    """Mean loss of the answers to wordings that training never sees, in nats per token."""
    losses = []
    with torch.no_grad():
        for topic in topics():
            for question in sorted(unseen(topic)):
                answer = [Turn("user", question), Turn("assistant", plain(topic.answer[0]))]
                tokens, learned = vocabulary.encoded(tokenizer, answer)
                targets = [
                    token if wanted else _IGNORED
                    for token, wanted in zip(tokens, learned, strict=True)
                ]
                losses.append(
                    loss_of(network, torch.tensor([tokens[:-1]]), torch.tensor([targets[1:]]))
                )
    return float(torch.stack(losses).mean())


def learning_rate(step: int, steps: int) -> float:
    """A linear warm-up, then a half cosine down to a twentieth."""
    if step < _WARM_UP:
        return _PEAK_RATE * (step + 1) / _WARM_UP
    progress = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return _PEAK_RATE * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(work: Path, *, seed: int, steps: int, rows: int, shape: Shape) -> Path:
    """Train to ``steps`` and return the checkpoint; goes on from one that is there."""
    work.mkdir(parents=True, exist_ok=True)
    checkpoint, words = work / "checkpoint.pt", work / "tokenizer.json"
    if words.exists():
        tokenizer = Tokenizer.from_file(str(words))
    else:
        tokenizer = vocabulary.trained(Corpus(seed), shape.n_vocab)
        tokenizer.save(str(words))
    torch.manual_seed(seed)
    network = Network(shape)
    decayed = [weight for weight in network.parameters() if weight.dim() == 2]
    gains = [weight for weight in network.parameters() if weight.dim() < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
    )
    begun = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        begun = saved["step"]
    count = sum(weight.numel() for weight in network.parameters())
    print(f"{count:,} parameters; steps {begun} to {steps}", flush=True)

    started = time.monotonic()
    mean = 0.0
    for step in range(begun, steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        loss = loss_of(network, *batch(tokenizer, seed, step, rows, shape.n_ctx))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        mean += loss.item() / _REPORT_STEPS
        if (step + 1) % _REPORT_STEPS == 0:
            speed = (step + 1 - begun) * rows * shape.n_ctx / (time.monotonic() - started)
            print(f"step {step + 1}/{steps}  loss {mean:.3f}  {speed:,.0f} tokens/s", flush=True)
            mean = 0.0
        if (step + 1) % _CHECKPOINT_STEPS == 0 or step + 1 == steps:
            beside = checkpoint.with_suffix(".new")
            state = {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step + 1,
            }
            torch.save(state, beside)
            beside.replace(checkpoint)
            held = held_out_loss(network, tokenizer)
            print(f"held-out loss {held:.3f} (perplexity {math.exp(held):.2f})", flush=True)
    return checkpoint


def main() -> None:
    """Train, export, and check the export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=MODEL_FILE, help="the GGUF to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--rows", type=int, default=8, help="rows of 1024 tokens in a step")
    arguments = parser.parse_args()
    shape = Shape()
    train(
        arguments.work, seed=arguments.seed, steps=arguments.steps, rows=arguments.rows, shape=shape
    )
    export.export(arguments.work, arguments.out, shape)
    export.check(arguments.work, arguments.out, shape)


if __name__ == "__main__":
    main()
