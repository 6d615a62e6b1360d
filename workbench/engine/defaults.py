"""The parameters that a model file sets for itself."""

from __future__ import annotations

from typing import Final

from workbench.engine.llama.model import Model
from workbench.parameters.kinds import ParameterError, Value
from workbench.parameters.table import named

# What follows general.sampling. in a GGUF (src/llama-arch.cpp), and our key.
_KEYS: Final = {
    "sequence": "samplers",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "temp": "temperature",
    "penalty_last_n": "repeat_last_n",
    "penalty_repeat": "repeat_penalty",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}


def model_defaults(model: Model) -> tuple[dict[str, Value], list[str]]:
    """The file's ``general.sampling.*`` by our keys, and notes on those that make no sense."""
    defaults: dict[str, Value] = {}
    notes = []
    for suffix, key in _KEYS.items():
        text = model.metadata(f"general.sampling.{suffix}")
        if text is None:
            continue
        try:
            value = named(key).parse("off" if (key, text) == ("mirostat", "0") else text)
        except ParameterError as error:
            notes.append(f"The file's general.sampling.{suffix} is ignored: {error}.")
            continue
        if value != named(key).default:
            defaults[key] = value
    return defaults, notes
