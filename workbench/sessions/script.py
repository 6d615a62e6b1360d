"""An answer as a Python script that has llama-cpp-python give it once more.

The script shows how: it loads the same file with the same parameters, renders the model's own
template over the same messages to the same tokens, and draws by the same seed. What the
binding's ``Llama`` has no way to say stands in it as a comment.
"""

from __future__ import annotations

import pprint
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from workbench.parameters import entries
from workbench.parameters.kinds import ParameterError
from workbench.parameters.numbers import CACHE_TYPES, ROPE_SCALINGS, SPLIT_MODES
from workbench.parameters.table import BY_KEY, completed
from workbench.sessions.conversation import Message, local
from workbench.sessions.unsaid import comment, unsaid

_WIDTH: Final = 96
# By the same names, with the same defaults or none.
_AS_THEY_ARE: Final = (
    "n_threads",
    "n_threads_batch",
    "offload_kqv",
    "op_offload",
    "main_gpu",
)
_ROPE: Final = (
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_orig_ctx",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
)
_SAMPLING: Final = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
)
_OWN_TEMPLATE: Final = 'llm.metadata.get("tokenizer.chat_template")'
_RENDERING: Final = '''\
vocab = llama_cpp.llama_model_get_vocab(llm.model)
bos = llm.token_bos()


def name_of(token):
    """A special token as a template writes it."""
    return llm.detokenize([token], special=True).decode() if token >= 0 else ""


def rendered(messages):
    """The prompt's text."""
    if not template:
        return "\\n".join(message["content"] for message in messages)
    formatter = Jinja2ChatFormatter(
        template, bos_token=name_of(bos), eos_token=name_of(llm.token_eos())
    )
    formatter.strftime_now = DAY.strftime
    days = {"date_string": DAY.strftime("%d %b %Y"), "datetime": DAY.strftime("%b %d %Y")}
    return formatter(messages=messages, **{**days, **VARIABLES}).prompt

'''
_MERGING: Final = """\
# Some templates refuse a system message, or forget it.
system, user, *rest = MESSAGES
merged = [{"role": "user", "content": system["content"] + "\\n" + user["content"]}, *rest]
try:
    prompt = rendered(MESSAGES)
    if system["content"].strip() not in prompt and prompt == rendered(MESSAGES[1:]):
        prompt = rendered(merged)
except Exception:
    prompt = rendered(merged)"""
_TOKENS: Final = """\
tokens = llm.tokenize(prompt.encode(), add_bos=False, special=True)
# Templates often write the BOS themselves.
if llama_cpp.llama_vocab_get_add_bos(vocab) and tokens[:1] != [bos]:
    tokens.insert(0, bos)
"""


class ScriptError(ValueError):
    """A conversation cannot be made a script; the message says why."""


def as_script(
    path: Sequence[Message],
    *,
    template: str = "",
    variables: Mapping[str, Any] | None = None,
    binding: str = "",
) -> str:
    """The script for the last answer of ``path``.

    The system prompt is the one that the answer was given with, whatever the conversation's
    has become. ``template`` is the Jinja source to use instead of the model's own, ``variables``
    are what a template is told beside the messages. ``binding`` is the version of
    llama-cpp-python that is known to do. Raises ScriptError.
    """
    answers = [at for at, message in enumerate(path) if message.role == "assistant"]
    if not answers:
        raise ScriptError("there is no answer in this conversation yet")
    answer = path[answers[-1]]
    if answer.model_file is None:
        raise ScriptError("it is not known which model file wrote the answer")
    try:
        values = values_of(answer)
    except ParameterError as error:
        raise ScriptError(f"the answer's parameters make no sense: {error}") from error
    messages = [{"role": "system", "content": values["system"]}] if values["system"] else []
    messages += [_as_dictionary(message) for message in path[: answers[-1]]]
    return "\n".join(
        [
            *_head(answer, binding),
            *_settings(answer, messages, template, variables or {}),
            *unsaid(values, path[: answers[-1]], answer),
            *_loading(values, answer),
            *_prompt(values, answer, merges=_may_merge(messages), template=template),
            *_answering(values, answer),
        ]
    )


def values_of(answer: Message) -> dict[str, Any]:
    """Every parameter that an answer was drawn by. Raises ParameterError."""
    known = {key: value for key, value in answer.parameters.items() if key in BY_KEY}
    return completed(known)


def _as_dictionary(message: Message) -> dict[str, str]:
    found = {"role": str(message.role), "content": message.text}
    if message.thoughts:
        found |= {"reasoning_content": message.thoughts, "thinking": message.thoughts}
    return found


def _may_merge(messages: Sequence[Mapping[str, str]]) -> bool:
    return [each["role"] for each in messages[:2]] == ["system", "user"]


def _head(answer: Message, binding: str) -> Iterator[str]:
    model = comment(answer.model or "a model")
    when = f" of {_moment(answer):%Y-%m-%d %H:%M}" if answer.at else ""
    known = f" (version {binding} is known to do)" if binding else ""
    yield "#!/usr/bin/env python3"
    yield f"# The answer{when} by {model}, once more. It needs llama-cpp-python{known}:"
    yield "#     pip install llama-cpp-python"
    yield "#     python THIS_FILE [MODEL.gguf]"
    yield ""
    yield "import os"
    yield "import sys"
    yield "from datetime import datetime"
    yield ""
    yield "import llama_cpp"
    yield "from llama_cpp.llama_chat_format import Jinja2ChatFormatter"
    yield ""


def _settings(
    answer: Message,
    messages: Sequence[Mapping[str, str]],
    template: str,
    variables: Mapping[str, Any],
) -> Iterator[str]:
    assert answer.model_file is not None
    yield f"MODEL = sys.argv[1] if len(sys.argv) > 1 else {answer.model_file.path!r}"
    if answer.model_file.size:
        yield f"SIZE = {answer.model_file.size}"
    yield "MESSAGES = ["
    yield from (f"    {each!r}," for each in messages)
    yield "]"
    yield "# What the chat template is told beside them."
    yield f"VARIABLES = {_literal(variables)}"
    if template:
        yield "# Instead of the model's own."
        yield f"TEMPLATE = {_literal(template)}"
    if given := _given(answer):
        yield "# The beginning of the answer that the model was to go on with."
        yield f"GIVEN = {_literal(given)}"
    if answer.at:
        yield "# Some templates ask what day it is."
        yield f"DAY = datetime.fromtimestamp({answer.at})"
    else:
        yield "DAY = datetime.now()"
    yield ""
    if answer.model_file.size:
        yield "if os.path.getsize(MODEL) != SIZE:"
        yield '    print("This is another model file: so may be the answer.", file=sys.stderr)'
        yield ""


def _given(answer: Message) -> str:
    """What the model was given of its answer, as it would have written it."""
    text = answer.text[: answer.given]
    thoughts = answer.thoughts[: answer.given_thoughts]
    if not thoughts:
        return text
    return f"<think>\n{thoughts}" + (f"\n</think>\n\n{text}" if text else "")


def _loading(values: dict[str, Any], answer: Message) -> Iterator[str]:
    arguments = [
        ("n_ctx", answer.n_ctx or values["n_ctx"]),
        ("n_batch", values["n_batch"]),
        ("n_ubatch", values["n_ubatch"]),
        ("n_gpu_layers", values["n_gpu_layers"]),
        # Where it is left to llama.cpp it is on, if the build has it.
        ("flash_attn", values["flash_attn"] != "off"),
        ("swa_full", values["swa_full"]),
        # How far back the penalties look.
        ("last_n_tokens_size", values["repeat_last_n"]),
        *((key, values[key]) for key in _AS_THEY_ARE if values[key] != BY_KEY[key].default),
        *_named_arguments(values),
        *_rope_arguments(values),
        *_listed_arguments(values),
    ]
    yield "llm = llama_cpp.Llama("
    yield "    model_path=MODEL,"
    for name, value in arguments:
        yield f"    {name}={value!r},"
    yield "    verbose=False,"
    yield ")"
    yield ""


def _named_arguments(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What llama.cpp has numbers for."""
    mode = values["load_mode"]
    if mode in ("none", "mlock"):
        yield "use_mmap", False
    if "mlock" in mode:
        yield "use_mlock", True
    for key, name in (("cache_type_k", "type_k"), ("cache_type_v", "type_v")):
        if values[key] != BY_KEY[key].default:
            yield name, CACHE_TYPES[values[key]]
    if values["split_mode"] != "layer":
        yield "split_mode", SPLIT_MODES[values["split_mode"]]


def _rope_arguments(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if values["rope_scaling"] != "auto":
        yield "rope_scaling_type", ROPE_SCALINGS[values["rope_scaling"]]
    # All or none: the binding's own defaults of YaRN are others than llama.cpp's.
    if any(values[key] != BY_KEY[key].default for key in (*_ROPE, "rope_scaling")):
        yield from ((key, values[key]) for key in _ROPE)


def _listed_arguments(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if values["tensor_split"]:
        yield "tensor_split", [entries.proportion(each) for each in values["tensor_split"]]
    if values["kv_overrides"]:
        overrides = [entries.override(each) for each in values["kv_overrides"]]
        yield "kv_overrides", {each.key: each.value for each in overrides}
    if values["lora"]:
        adapter = entries.adapter(values["lora"][0])
        yield "lora_path", str(adapter.file)
        yield "lora_scale", adapter.scale


def _prompt(
    values: dict[str, Any], answer: Message, *, merges: bool, template: str
) -> Iterator[str]:
    yield f"template = {'TEMPLATE' if template else _OWN_TEMPLATE}"
    yield _RENDERING
    yield _MERGING if merges else "prompt = rendered(MESSAGES)"
    if _given(answer):
        yield "prompt += GIVEN"
    yield _TOKENS
    if values["logit_bias"] or values["ignore_eos"]:
        yield from _biases(values)
    for key, made_by in (("json_schema", "from_json_schema"), ("grammar", "from_string")):
        if values[key]:
            yield f"grammar = llama_cpp.LlamaGrammar.{made_by}({_literal(values[key])})"
            yield ""


def _biases(values: dict[str, Any]) -> Iterator[str]:
    yield "bias = {}"
    for entry in values["logit_bias"]:
        token, bias = entries.logit_bias(entry)
        number = f"float({str(bias)!r})"
        if isinstance(token, int):
            yield f"bias[{token}] = bias.get({token}, 0.0) + {number}"
        else:
            yield f"for token in llm.tokenize({token.encode()!r}, add_bos=False, special=False):"
            yield f"    bias[token] = bias.get(token, 0.0) + {number}"
    if values["ignore_eos"]:
        yield "for token in range(llm.n_vocab()):"
        yield "    if llama_cpp.llama_vocab_is_eog(vocab, token):"
        yield '        bias[token] = float("-inf")'
    yield ""


def _answering(values: dict[str, Any], answer: Message) -> Iterator[str]:
    yield "answer = llm.create_completion("
    yield "    tokens,"
    yield f"    max_tokens={values['max_tokens'] if values['max_tokens'] > 0 else None!r},"
    for key in _SAMPLING:
        yield f"    {key}={values[key]!r},"
    if values["mirostat"] != "off":
        yield f"    mirostat_mode={values['mirostat']},"
        yield f"    mirostat_tau={values['mirostat_tau']!r},"
        yield f"    mirostat_eta={values['mirostat_eta']!r},"
    if values["stop"]:
        yield f"    stop={list(values['stop'])!r},"
    if values["logit_bias"] or values["ignore_eos"]:
        yield "    logit_bias=bias,"
    if values["grammar"] or values["json_schema"]:
        yield "    grammar=grammar,"
    seed = answer.seed if answer.seed is not None else max(values["seed"], 0)
    yield f"    seed={seed},"
    yield ")"
    given = "GIVEN + " if _given(answer) else ""
    yield f'print({given}answer["choices"][0]["text"])'
    yield ""


def _literal(value: Any) -> str:
    """A value as Python source."""
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)


def _moment(answer: Message) -> datetime:
    return local(answer.at)
