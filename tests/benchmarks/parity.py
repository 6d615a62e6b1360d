"""Our answers beside llama-server's: ``python -m tests.benchmarks.parity LLAMA_SERVER``.

Every sampling parameter with the same seed on the built-in model: the texts must be equal.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from tests.engine.reports import answer, running_engine
from tests.waiting import wait_until_blocking
from workbench.engine.protocol import ChatMessage, ModelSource
from workbench.models.pocket import MODEL_FILE
from workbench.parameters.kinds import Value, Values
from workbench.untrusted import without_controls

# As the built-in model's template writes it.
QUESTION: Final = "Tell me a story about a fox and an owl."
PROMPT: Final = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
N_PREDICT: Final = 64

HOT: Final[Values] = {"temperature": 1.4, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
# No JSON schema: the binding brings a converter of its own, which writes other white space.
CASES: Final[Sequence[Values]] = (
    {},
    {"temperature": 0.0},
    {"temperature": 1.5},
    {**HOT, "top_k": 5},
    {**HOT, "top_p": 0.5},
    {**HOT, "min_p": 0.2},
    {**HOT, "typical_p": 0.4},
    {**HOT, "top_n_sigma": 1.0},
    {**HOT, "top_p": 0.1, "min_keep": 3},
    {**HOT, "xtc_probability": 0.7, "xtc_threshold": 0.05},
    {**HOT, "dynatemp_range": 0.8, "dynatemp_exponent": 1.5},
    {**HOT, "repeat_penalty": 1.5},
    {**HOT, "repeat_penalty": 1.5, "repeat_last_n": 8},
    {**HOT, "presence_penalty": 1.0, "frequency_penalty": 0.5},
    {"temperature": 0.0, "dry_multiplier": 2.0, "dry_allowed_length": 1},
    {"dry_multiplier": 2.0, "dry_base": 1.2, "dry_penalty_last_n": 16, "ignore_eos": True},
    {"dry_multiplier": 3.0, "dry_sequence_breakers": ("fox", "."), "ignore_eos": True},
    {"mirostat": "1", "mirostat_tau": 3.0, "mirostat_eta": 0.2},
    {"mirostat": "2", "mirostat_tau": 3.0, "mirostat_eta": 0.2},
    {
        **HOT,
        "samplers": ("top_k", "min_p", "adaptive_p"),
        "adaptive_target": 0.4,
        "adaptive_decay": 0.8,
    },
    {**HOT, "samplers": ("temperature", "top_p"), "top_p": 0.6},
    {**HOT, "samplers": ("top_k", "infill"), "top_k": 20},
    {"logit_bias": ("300+8", "301-inf")},
    {"ignore_eos": True},
    {"grammar": 'root ::= ("fox" | "owl" | " ")+'},
    {"stop": (" the",)},
)

# llama-server's names where they are not ours.
_SERVER: Final[Mapping[str, Any]] = {
    "mirostat": lambda value: int(value),
    "logit_bias": lambda value: [
        [int(entry[:3]), False if entry.endswith("inf") else float(entry[3:])] for entry in value
    ],
}


def _of_server(port: int, values: Mapping[str, Value], seed: int) -> str:
    body = {key: _SERVER.get(key, lambda value: value)(value) for key, value in values.items()}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/completion",
        json.dumps(
            {
                "prompt": PROMPT,
                "n_predict": N_PREDICT,
                "seed": seed,
                "cache_prompt": False,
                **body,
            }
        ).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        # We never show what a terminal would act on.
        return without_controls(str(json.load(reply)["content"]))


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:
        return False


async def _compared(port: int, seeds: int, log: Path) -> Table:
    table = Table(title=f"{N_PREDICT} tokens, {seeds} seeds: how many texts equal llama-server's")
    table.add_column("values")
    table.add_column("equal")
    source = ModelSource.of(MODEL_FILE, {"n_ctx": 1024, "n_threads": 1})
    async with running_engine(log) as engine:
        for values in CASES:
            equal = 0
            for seed in range(seeds):
                ours, _ = await answer(
                    engine,
                    source,
                    {
                        **values,
                        "seed": seed,
                        "max_tokens": N_PREDICT,
                    },
                    [ChatMessage("user", QUESTION)],
                )
                equal += ours == _of_server(port, values, seed)
            table.add_row(", ".join(f"{k}={v}" for k, v in values.items()), f"{equal}/{seeds}")
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("llama_server", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
def main(llama_server: Path, seeds: int) -> None:
    """Compare every sampling parameter's answers with those of LLAMA_SERVER."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(llama_server), "--model", str(MODEL_FILE), "--port", str(port)]
    command += ["--ctx-size", "1024", "--parallel", "1", "--threads", "1", "--no-warmup"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
            try:
                wait_until_blocking(lambda: _healthy(port), "llama-server to be ready")
                Console().print(asyncio.run(_compared(port, seeds, Path(folder) / "engine.log")))
            finally:
                server.kill()


if __name__ == "__main__":
    main()
