"""From a JSON schema to a grammar in llama.cpp's GBNF."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from workbench.engine.llama.binding import submodule

# What the converter lets stand in a string, and what JSON does.
_ANY_CHARACTER: Final = r'[^"\\]'
_JSON_CHARACTER: Final = r'[^"\\\x7F\x00-\x1F]'
# Characters that JSON may write by their numbers, in a literal of the grammar, where each
# backslash is two; behind one that is meant itself "u00e9" is no number.
_NUMBERED: Final = re.compile(r"(?<!\\)((?:\\{4})*)((?:\\\\u[0-9a-f]{4})+)")


class GrammarError(ValueError):
    """A grammar or a JSON schema cannot be used; the message says why."""


def grammar_of(schema: str) -> str:
    """The grammar of the JSON texts that ``schema`` allows. Raises GrammarError."""
    try:
        read = json.loads(schema)
    except ValueError as error:
        raise GrammarError(f"the JSON schema is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise GrammarError('a JSON schema is an object, such as {"type": "array"}')
    converter = submodule("llama_grammar")
    try:
        _mend(converter)
        gbnf = str(converter.json_schema_to_gbnf(schema))
    # The converter fails in as many ways as a schema can be odd.
    except Exception as error:
        raise GrammarError(f"the JSON schema cannot be made a grammar: {error}") from error
    return _NUMBERED.sub(_written_out, gbnf.replace(_ANY_CHARACTER, _JSON_CHARACTER))


def _mend(converter: Any) -> None:
    """Escape what llama.cpp's own converter does (``json-schema-to-grammar.cpp``), and this one
    does not: of the name of a property "a\\b" the backslash would be lost."""
    converter.GRAMMAR_LITERAL_ESCAPE_RE = re.compile(r'[\r\n"\\]')
    converter.GRAMMAR_LITERAL_ESCAPES["\\"] = "\\\\"
    converter.ESCAPED_IN_REGEXPS_BUT_NOT_IN_LITERALS.update(".^$")


def _written_out(match: re.Match[str]) -> str:
    """Characters as a model writes them; those that JSON must number stay numbers."""
    before, numbers = match.groups()
    text: str = json.loads('"' + numbers.replace(r"\\", "\\") + '"')
    is_plain = all(each >= " " and not "\ud800" <= each <= "\udfff" for each in text)
    return before + text if is_plain else match[0]
