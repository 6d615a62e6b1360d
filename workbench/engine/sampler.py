"""The sampler of a lane: from parameters to llama.cpp's samplers, in the order wished."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, Final

from workbench.engine.llama.binding import binding
from workbench.engine.llama.chain import SamplerChain
from workbench.engine.llama.context import Context
from workbench.engine.llama.handle import Handle
from workbench.engine.llama.model import Model
from workbench.engine.schema import GrammarError, grammar_of
from workbench.parameters import entries
from workbench.parameters.kinds import ParameterError

# The number of tokens that mirostat 1 estimates with, as in common/sampling.cpp.
_MIROSTAT_M: Final = 100


class Sampler(Handle):
    """Draws the tokens of one lane, as llama.cpp's ``common_sampler`` does.

    The chain is built by the rules of common/sampling.cpp: logit biases first, then the
    stages in the order of ``samplers``, then the draw.
    """

    def __init__(self, model: Model, values: dict[str, Any], *, seed: int) -> None:
        """``values`` holds every parameter. Raises GrammarError."""
        self._model = model
        self._seed = seed
        self._opened = ExitStack()
        gbnf = _gbnf(values)
        self._is_schema = bool(values["json_schema"])
        self._grammar: Grammar | None = None
        if gbnf:
            from workbench.engine.llama.grammar import Grammar

            try:
                self._grammar = self._opened.enter_context(Grammar(model, gbnf))
            except ValueError as error:
                raise GrammarError(f"the grammar is wrong: {error}") from error
        self._build(values)

    def _build(self, values: dict[str, Any]) -> None:
        self._chain = SamplerChain()
        self._last_n = max(values["repeat_last_n"], values["dry_penalty_last_n"])
        self._selects = _selecting(values)
        for stage in _stages(self._model, values, self._seed):
            self._chain.add(stage)
        self._chain.add(_draw(self._model, values, self._seed))

    def read_prompt(self, tokens: Sequence[int]) -> None:
        """Let the penalties see the end of the prompt, as llama-server does."""
        for token in tokens[-self._last_n :] if self._last_n else ():
            self._chain.accept(token)

    def sample(self, context: Context, row: int = -1, *, freely: bool = False) -> int | None:
        """Draw a token from a row of the last decode's logits, its last one by itself.

        It is then accepted. None where the grammar leaves nothing to draw. ``freely`` it is a
        thought: a schema is not for those. A grammar of a person's own is for all of it.
        """
        if self._grammar is None or (freely and self._is_schema):
            return self._chain.sample(context, row)
        token = self._grammar.draw(self._chain, context, row)
        if token is not None:
            self._grammar.accept(token)
            self._chain.accept(token)
        return token

    def adjust(self, values: dict[str, Any], tokens: Sequence[int]) -> None:
        """Draw by other values from now on; ``tokens`` are prompt and answer so far.

        The grammar stays where it is, and so do the course of chance and what mirostat and
        adaptive_p have come to, if the last stage draws as before. Raises ParameterError, with
        the former values still in force.
        """
        old, selected = self._chain, self._selects
        try:
            self._build(values)
        except ParameterError:
            self._chain.close()
            self._chain, self._selects = old, selected
            raise
        if self._selects == selected:
            binding.llama_sampler_free(self._chain.take_last())
            self._chain.add(old.take_last())
        old.close()
        self.read_prompt(tokens)

    def close(self) -> None:
        """Free chain and grammar."""
        self._chain.close()
        self._opened.close()


def _gbnf(values: dict[str, Any]) -> str:
    """The grammar that is asked for, directly or by a JSON schema; empty if none is."""
    grammar, schema = values["grammar"], values["json_schema"]
    if grammar and schema:
        raise GrammarError("there is a grammar and a JSON schema: set one of them to none")
    return grammar_of(schema) if schema else str(grammar)


def _selecting(values: dict[str, Any]) -> tuple[str, ...]:
    """Which kind of stage selects the token, and by what."""
    if values["mirostat"] != "off":
        return f"mirostat {values['mirostat']}", values["mirostat_tau"], values["mirostat_eta"]
    if "adaptive_p" in values["samplers"]:
        return "adaptive_p", values["adaptive_target"], values["adaptive_decay"]
    return ("dist",)


def _stages(model: Model, values: dict[str, Any], seed: int) -> Iterable[Any]:
    """Every stage but the last, which selects."""
    biases = list(_biases(model, values))
    if biases:
        array = (binding.llama_logit_bias * len(biases))()
        for place, (token, bias) in zip(array, biases, strict=True):
            place.token, place.bias = token, bias
        yield binding.llama_sampler_init_logit_bias(model.n_vocab, len(biases), array)
    if values["mirostat"] != "off":
        yield binding.llama_sampler_init_temp(values["temperature"])
        return
    for name in values["samplers"]:
        if name != "adaptive_p":
            yield _STAGES[name](model, values, seed)


def _biases(model: Model, values: dict[str, Any]) -> Iterable[tuple[int, float]]:
    for entry in values["logit_bias"]:
        token, bias = entries.logit_bias(entry)
        tokens = [token] if isinstance(token, int) else model.tokenize(token, parse_special=False)
        yield from ((each, bias) for each in tokens if each < model.n_vocab)
    if values["ignore_eos"]:
        yield from ((token, -math.inf) for token in model.end_tokens)
    yield from ((token, -math.inf) for token in model.suppressed_tokens)


def _draw(model: Model, values: dict[str, Any], seed: int) -> Any:
    """The stage that selects."""
    match _selecting(values):
        case "mirostat 1", tau, eta:
            return binding.llama_sampler_init_mirostat(model.n_vocab, seed, tau, eta, _MIROSTAT_M)
        case "mirostat 2", tau, eta:
            return binding.llama_sampler_init_mirostat_v2(seed, tau, eta)
        case "adaptive_p", target, decay:
            return binding.llama_sampler_init_adaptive_p(target, decay, seed)
    return binding.llama_sampler_init_dist(seed)


def _dry(model: Model, values: dict[str, Any]) -> Any:
    breakers = [text.encode() for text in values["dry_sequence_breakers"]]
    return binding.llama_sampler_init_dry(
        model.vocab,
        values["dry_multiplier"],
        values["dry_base"],
        values["dry_allowed_length"],
        values["dry_penalty_last_n"],
        (ctypes.c_char_p * len(breakers))(*breakers),
        len(breakers),
    )


_Stage = Callable[[Model, dict[str, Any], int], Any]

_STAGES: Final[dict[str, _Stage]] = {
    "penalties": lambda model, values, _: binding.llama_sampler_init_penalties(
        model.n_vocab,
        values["repeat_last_n"],
        values["repeat_penalty"],
        values["frequency_penalty"],
        values["presence_penalty"],
    ),
    "dry": lambda model, values, _: _dry(model, values),
    "top_n_sigma": lambda _, values, __: binding.llama_sampler_init_top_n_sigma(
        values["top_n_sigma"]
    ),
    "top_k": lambda _, values, __: binding.llama_sampler_init_top_k(values["top_k"]),
    "typ_p": lambda _, values, __: binding.llama_sampler_init_typical(
        values["typical_p"], values["min_keep"]
    ),
    "top_p": lambda _, values, __: binding.llama_sampler_init_top_p(
        values["top_p"], values["min_keep"]
    ),
    "min_p": lambda _, values, __: binding.llama_sampler_init_min_p(
        values["min_p"], values["min_keep"]
    ),
    "xtc": lambda _, values, seed: binding.llama_sampler_init_xtc(
        values["xtc_probability"], values["xtc_threshold"], values["min_keep"], seed
    ),
    "temperature": lambda _, values, __: binding.llama_sampler_init_temp_ext(
        values["temperature"], values["dynatemp_range"], values["dynatemp_exponent"]
    ),
    "infill": lambda model, _, __: binding.llama_sampler_init_infill(model.vocab),
}
"""How each stage is made; the names are those of ``samplers``."""
