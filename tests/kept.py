"""What apps keep of their conversations, as it lies on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.settings import paths


def kept_files() -> list[Path]:
    """The files of this home."""
    return sorted(paths.rescued().glob("*.json"))


def kept_messages() -> list[dict[str, Any]]:
    """The messages of the only file there is; none while there is no file."""
    files = kept_files()
    assert len(files) <= 1
    return json.loads(files[0].read_bytes())["messages"] if files else []


def kept_answer() -> dict[str, Any]:
    """The last message if it is an answer."""
    messages = kept_messages()
    return messages[-1] if messages and messages[-1]["role"] == "assistant" else {"text": ""}
