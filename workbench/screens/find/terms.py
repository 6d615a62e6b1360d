"""By what n_ctx, cache and GPU layers the find screen reckons fits: the pane's, or others."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from textual.content import Content

from workbench.parameters.kinds import Value, Values
from workbench.parameters.table import completed

_AUTO: Final = 0
_ALL: Final = -1
# Every one twice the one before: where a model stops fitting is soon found.
_LENGTHS: Final = (_AUTO, *(1 << power for power in range(11, 21)))
_CACHES: Final = (("f16", "f16"), ("q8_0", "q8_0"), ("q4_0", "q4_0"))
_LAYERS: Final = (0, 4, 8, 16, 24, 32, 48, 64, 96, _ALL)
_MUTED: Final = "$foreground-muted"


class ToLoad(NamedTuple):
    """A file that is wanted loaded, and the parameters that were chosen for it, if any."""

    file: Path
    chosen: Values


class Terms(NamedTuple):
    """What a fit depends on and a person may try out, by the parameters' keys.

    ``own`` are everywhere the terms of the parameter pane: whatever they are, one comes by them.
    """

    n_ctx: int
    cache_type_k: str
    cache_type_v: str
    n_gpu_layers: int

    @classmethod
    def of(cls, values: Values) -> Terms:
        """Those in ``values``, which differ from the defaults."""
        known = completed(values)
        return cls(*(known[key] for key in cls._fields))

    def apart(self, own: Terms) -> dict[str, Value]:
        """What is not as it is there."""
        ours: dict[str, Value] = self._asdict()
        return {key: value for key, value in ours.items() if value != getattr(own, key)}

    def longer(self, steps: int, own: Terms) -> Terms:
        """With the next longer n_ctx, or a shorter one; below the shortest it is auto."""
        lengths = sorted({*_LENGTHS, own.n_ctx})
        at = lengths.index(self.n_ctx) + steps
        return self._replace(n_ctx=lengths[max(0, min(at, len(lengths) - 1))])

    def next_cache(self, own: Terms) -> Terms:
        """With the next types of the KV cache, round and round."""
        caches = list(dict.fromkeys([*_CACHES, (own.cache_type_k, own.cache_type_v)]))
        at = caches.index((self.cache_type_k, self.cache_type_v)) + 1
        key, value = caches[at % len(caches)]
        return self._replace(cache_type_k=key, cache_type_v=value)

    def more_layers(self, steps: int, own: Terms) -> Terms:
        """With more layers on the GPU, or fewer; beyond the most are all."""
        numbers = sorted({*_LAYERS, own.n_gpu_layers} - {_ALL})
        layers = [*numbers, _ALL]
        at = layers.index(self.n_gpu_layers) + steps
        return self._replace(n_gpu_layers=layers[max(0, min(at, len(layers) - 1))])

    def words(self, own: Terms, *, with_gpus: bool, beside: str = "", without: str = "") -> Content:
        """By what is reckoned, and which of it is only chosen here.

        ``beside`` is what else the parameter pane says, and ``without`` what of it is left out.
        """
        apart = self.apart(own)
        same = self.cache_type_k == self.cache_type_v
        types = self.cache_type_k if same else f"K {self.cache_type_k}, V {self.cache_type_v}"
        parts = {
            f"n_ctx {self.n_ctx:,}" if self.n_ctx else "n_ctx auto": "n_ctx" in apart,
            f"cache {types}": "cache_type_k" in apart or "cache_type_v" in apart,
        }
        if with_gpus or self.n_gpu_layers != own.n_gpu_layers or self.n_gpu_layers != _ALL:
            layers = "all" if self.n_gpu_layers == _ALL else str(self.n_gpu_layers)
            parts[f"GPU layers {layers}"] = "n_gpu_layers" in apart
        here = ", ".join(part for part, is_here in parts.items() if is_here)
        left = [part for part, is_here in parts.items() if not is_here]
        there = ", ".join(filter(None, [*left, beside]))
        if there and without:
            there += f", without {without}"
        if not here:
            return Content.styled(f"By the parameter pane's {there}.", _MUTED)
        rest = f"; the pane's {there}." if there else "."
        words = Content.styled(f"{here}, chosen here", "$accent")
        return Content.assemble(("By ", _MUTED), words, (rest, _MUTED))
