"""Asks a real llama-server to render the templates; run by hand when llama.cpp is renewed.

python -m tests.engine.make_template_goldens --server PATH/TO/llama-server [--templates DIR]
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests import gguf_files, vocabularies

FOLDER: Final = Path(__file__).parent
TEMPLATES: Final = FOLDER / "templates"
GOLDENS: Final = FOLDER / "template_goldens.json"

SYSTEM: Final = {"role": "system", "content": "Be brief, and say “I don't know” where you don't."}
TURNS: Final = [
    {"role": "user", "content": "What is 2 < 3?\nAnswer in <b>bold</b> & quickly."},
    {"role": "assistant", "content": "**True**"},
    {"role": "user", "content": 'Pourquoi "vrai"? 🤔'},
]
THOUGHT: Final = [
    TURNS[0],
    {**TURNS[1], "reasoning_content": "Two is less than three."},
    TURNS[2],
]
TOOL: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a town",
        "parameters": {
            "type": "object",
            "properties": {"town": {"type": "string", "description": "Its name"}},
            "required": ["town"],
        },
    },
}
CASES: Final[dict[str, dict[str, Any]]] = {
    "plain": {"messages": [SYSTEM, *TURNS]},
    "no system": {"messages": TURNS},
    "thought": {"messages": [SYSTEM, *THOUGHT]},
    "no thinking": {
        "messages": [SYSTEM, *TURNS],
        "chat_template_kwargs": {"enable_thinking": False},
    },
    "effort": {
        "messages": [SYSTEM, *TURNS],
        "chat_template_kwargs": {"reasoning_effort": "high"},
    },
    "tools": {"messages": [SYSTEM, *TURNS], "tools": [TOOL]},
}
"""What is asked of /apply-template, in its own words."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", type=Path, required=True)
    parser.add_argument("--templates", type=Path, default=TEMPLATES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = vocabularies.unpacked("llama-spm", Path(folder))
        model = gguf_files.random_model(
            Path(folder) / "tiny.gguf",
            layers=1,
            width=32,
            heads=1,
            forward=32,
            vocabulary=vocabulary,
        )
        goldens = {
            "made": datetime.now().isoformat(timespec="seconds"),
            "bos": "<s>",
            "eos": "</s>",
            "cases": CASES,
            "prompts": {
                file.name: _prompts(options.server, model, file)
                for file in sorted(options.templates.glob("*.jinja"))
            },
        }
    GOLDENS.write_text(json.dumps(goldens, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _prompts(server: Path, model: Path, template: Path) -> dict[str, str | None]:
    """The prompt of each case; None where the server refuses it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(str(server), "--model", str(model), "--jinja", "--chat-template-file", str(template)),
        *("--port", str(port), "--ctx-size", "256", "--parallel", "1", "--threads", "1"),
        *("--no-warmup", "--no-webui"),
        # Else the server leaves the template's own BOS out, to add it as a token later.
        *("--override-kv", "tokenizer.ggml.add_bos_token=bool:false"),
    ]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while _asked(port, "/health") is None:
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{template.name}: {log.read().decode()}")
                time.sleep(0.05)
            print(template.name, flush=True)
            return {
                name: None if answer is None else answer["prompt"]
                for name, case in CASES.items()
                for answer in [_asked(port, "/apply-template", case)]
            }
        finally:
            process.kill()
            process.wait()


def _asked(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """The server's answer; None for an error."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except OSError:
        return None


if __name__ == "__main__":
    main()
