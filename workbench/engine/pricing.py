"""What a model would take, before it is loaded: llama.cpp's own figures, for any parameters.

llama.cpp reads the header alone and takes no memory for weights and caches, but lays all of
them out as it would (``no_alloc``). A context then costs some ten milliseconds, however long.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from workbench.engine.llama.breakdown import PLAIN, Share, breakdown, mapped_bytes
from workbench.engine.llama.context import AbortFlag, Context
from workbench.engine.llama.devices import gpu_memory
from workbench.engine.llama.fit import CELL_BYTES, HOST, LEAST, longest, reasonable
from workbench.engine.llama.handle import LoadError
from workbench.engine.llama.heap import heap_bytes
from workbench.engine.llama.model import Model, check_file
from workbench.engine.machine import Machine
from workbench.engine.protocol import Placed, Price, Priced
from workbench.parameters import entries
from workbench.parameters.table import completed

_MAPPED: Final = ("auto", "mmap", "mmap+mlock")
# What is locked into memory is never read again.
_LOCKED: Final = ("mmap+mlock",)
# What a model is loaded by; the other parameters are its contexts'.
_OF_MODEL: Final = ("n_gpu_layers", "split_mode", "main_gpu", "tensor_split", "kv_overrides")
_SPLIT: Final = re.compile(r"-00001-of-(\d{5})$")
_LOGIT_BYTES: Final = 4


class Pricing:
    """Prices models; the last one's header is kept, as people ask for one setting after another.

    Of a large vocabulary the header takes half a second, a context ten milliseconds.
    """

    def __init__(self, abort: AbortFlag, machine: Machine | None = None) -> None:
        self._abort = abort
        self._machine = machine or Machine()
        self._model: Model | None = None
        self._key: object = None
        self._overhead = 0

    def forget(self) -> None:
        """Free what is kept."""
        if self._model is not None:
            self._model.close()
            self._model = None

    def priced(self, request: Price) -> Priced:
        """The answer. Raises LoadError or ParameterError."""
        source = request.model
        values = completed(source.parameters)
        free = {HOST: self._machine.free_memory(), **gpu_memory()}
        model = self._of(source.file, values)
        contexts = _Contexts(model, values, self._abort)
        trained = model.n_ctx_train if model.n_ctx_train > 0 else LEAST
        weights = contexts.weights()
        weights[HOST] += sum(_size(entries.adapter(each).file) for each in values["lora"])
        room = {place: max(0, size - weights[place]) for place, size in free.items()}
        n_ctx = values["n_ctx"] or reasonable(contexts.growing, room, trained)
        most = min(trained, longest(contexts.whole, room, trained))
        cache, compute = contexts.cache(n_ctx), contexts.compute(n_ctx)
        mapped = values["load_mode"] in _MAPPED
        return Priced(
            request.request,
            source,
            description=model.description(),
            n_params=model.n_params,
            n_ctx=n_ctx,
            n_ctx_train=model.n_ctx_train,
            most=most,
            places=[
                Placed(place, free[place], weights[place], cache[place], compute[place])
                for place in free
            ],
            plain=contexts.plain() if mapped and values["load_mode"] not in _LOCKED else 0,
            mapped=mapped_bytes(model, _parts(source.file)) if mapped else 0,
            overhead=self._overhead,
        )

    def _of(self, file: Path, values: dict[str, Any]) -> Model:
        """The model without its weights; the one that is kept, if it is the same."""
        check_file(file)
        fact = file.stat()
        key = (file, fact.st_size, fact.st_mtime_ns, *(values[name] for name in _OF_MODEL))
        if self._model is None or key != self._key:
            self.forget()
            held = heap_bytes()
            self._model = Model(file, values, on_progress=lambda _: not self._abort, to_price=True)
            # The vocabulary above all; what a context takes beside its buffers is not worth a
            # word.
            self._overhead = max(0, heap_bytes() - held)
            self._key = key
        return self._model


class _Contexts:
    """What contexts of a model would take, each asked of llama.cpp once."""

    def __init__(self, model: Model, values: dict[str, Any], abort: AbortFlag) -> None:
        self._logits = 0

        @cache
        def shares(n_ctx: int) -> list[Share]:
            with Context(model, {**values, "n_ctx": n_ctx}, abort=abort) as context:
                self._logits = context.n_sequences * model.n_vocab * _LOGIT_BYTES
                return breakdown(context)

        self._shares = shares

    def plain(self) -> int:
        """Bytes of the weights that can be used as they lie in the file."""
        return sum(share.weights for share in self._shares(LEAST) if share.buffers == PLAIN)

    def weights(self) -> Counter[str]:
        """Bytes of the weights, by place."""
        return _by_place(self._shares(LEAST), lambda share: share.weights)

    def cache(self, n_ctx: int) -> Counter[str]:
        """Bytes that a context's tokens are kept in, by place."""
        return _by_place(self._shares(n_ctx), lambda share: share.cache)

    def compute(self, n_ctx: int) -> Counter[str]:
        """Bytes that are computed in, by place."""
        found = _by_place(self._shares(n_ctx), lambda share: share.compute)
        found[HOST] += self._logits + CELL_BYTES * n_ctx
        return found

    def whole(self, place: str, n_ctx: int) -> int:
        """Bytes that a context takes in a place."""
        return self.cache(n_ctx)[place] + self.compute(n_ctx)[place]

    def growing(self, place: str, n_ctx: int) -> int:
        """The part of the price that depends on the length."""
        return self.whole(place, n_ctx) - self.compute(LEAST)[place]


def _by_place(shares: list[Share], bytes_of: Callable[[Share], int]) -> Counter[str]:
    gpus = gpu_memory()
    sizes: Counter[str] = Counter()
    for share in shares:
        sizes[share.buffers if share.buffers in gpus else HOST] += bytes_of(share)
    return sizes


def _parts(file: Path) -> list[Path]:
    """The file, or all parts of a split one by the name of its first, as llama.cpp finds them.

    ``models`` knows more of such names; the engine has nothing from there.
    """
    split = _SPLIT.search(file.stem)
    if split is None:
        return [file]
    stem = file.stem.removesuffix(split[0])
    return [
        file.with_name(f"{stem}-{part:05}-of-{split[1]}{file.suffix}")
        for part in range(1, int(split[1]) + 1)
    ]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise LoadError(f"cannot read {file}: {error.strerror}") from error
