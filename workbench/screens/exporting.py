"""Conversations as files: which form a file's ending asks for, and how each is written.

What is said and how it was drawn is known to ``sessions/``, templates to ``engine/``: a script
needs both. Nothing here is of the screen; ``workbench sessions`` writes by it, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from workbench.engine import template
from workbench.parameters.kinds import ParameterError
from workbench.sessions import reading
from workbench.sessions.documents import Document, as_json
from workbench.sessions.script import ScriptError, as_script, values_of

Form = Literal["markdown", "json", "text", "script"]
FORMS: Final[dict[str, Form]] = {
    ".md": "markdown",
    ".json": "json",
    ".txt": "text",
    ".py": "script",
}
"""By the endings of files."""


class ExportError(ValueError):
    """A conversation cannot be written so; the message says why."""


def form_of(file: Path) -> Form | None:
    """What a file's ending asks for."""
    return FORMS.get(file.suffix.lower())


def written(documents: Sequence[Document], form: Form) -> str:
    """The text of a file; several conversations go into JSON only. Raises ExportError."""
    if form == "json":
        return as_json(documents)
    [document] = documents
    match form:
        case "markdown":
            return reading.as_markdown(document)
        case "text":
            return reading.as_text(document)
        case "script":
            return _script(document)


def _script(document: Document) -> str:
    path = document.path()
    try:
        answers = [message for message in path if message.role == "assistant"]
        values = values_of(answers[-1]) if answers else {}
        chosen = values.get("chat_template")
        return as_script(
            path,
            template=template.chosen(chosen, None) or "" if chosen else "",
            variables=template.variables(values) if values else {},
            binding=version("llama-cpp-python"),
        )
    except (ScriptError, ParameterError, template.TemplateError) as error:
        raise ExportError(f"there is no script of it: {error}") from error
