"""The binding's own ``Llama`` class, streaming: a process that prints its speed as JSON.

``python -m tests.benchmarks.high_level REQUEST``, the request in JSON too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import llama_cpp
import msgspec

from tests.benchmarks import models
from tests.benchmarks.settings import N_BATCH, N_UBATCH, Job, Samples


def main() -> None:
    """Measure what the request asks for."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    llama = llama_cpp.Llama(
        os.fsdecode(job.model),
        n_ctx=job.n_ctx,
        n_batch=N_BATCH,
        n_ubatch=N_UBATCH,
        n_threads=job.threads,
        n_threads_batch=job.threads,
        n_gpu_layers=0,
        flash_attn=True,
        verbose=False,
    )

    def seconds(prompt: str, max_tokens: int) -> tuple[float, float]:
        """To the first chunk, and from there to the end."""
        tokens = llama.tokenize(prompt.encode(), add_bos=False)
        started = perf_counter()
        chunks: Any = llama.create_completion(tokens, max_tokens=max_tokens, stream=True)
        next(chunks)
        first = perf_counter()
        *_, last = chunks
        if last["choices"][0]["finish_reason"] != "length":
            raise RuntimeError("the answer ended before its time")
        return first - started, perf_counter() - first

    def tokens_per_second(counts: Sequence[int], part: int) -> list[float]:
        n_prompt, n_answer = counts
        seconds(models.prompt(n_prompt, 0), min(n_answer, 2))
        taken = [
            seconds(models.prompt(n_prompt, number), n_answer)[part]
            for number in range(1, 1 + job.repetitions)
        ]
        return [(n_prompt, n_answer - 1)[part] / each for each in taken]

    samples = Samples(
        prompt=tokens_per_second((job.n_prompt, 1), 0),
        generation=tokens_per_second((1, job.n_answer), 1),
    )
    sys.stdout.buffer.write(msgspec.json.encode(samples))


if __name__ == "__main__":
    main()
