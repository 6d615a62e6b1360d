"""The built-in model: a few million parameters, always there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODEL_FILE: Final = Path(__file__).with_name("pocket.gguf")
