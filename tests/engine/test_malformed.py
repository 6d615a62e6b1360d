"""Files that are not what they say they are."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

from tests.engine.malformed import Malformed
from tests.engine.reports import (
    HELLO,
    Report,
    answer,
    limit_memory,
    only,
    reports_of,
    running_engine,
)
from workbench.engine.client import EngineDied
from workbench.engine.protocol import Failed, Finished, Loaded, ModelSource
from workbench.models.pocket import MODEL_FILE
from workbench.untrusted import without_controls

MOST_MEMORY = 1536 * 1024 * 1024
MOST_SECONDS = 20
MOST_LETTERS = 300


async def test_a_malformed_file_never_takes_the_engine_with_it_for_good(tmp_path: Path) -> None:
    wrong: list[str] = []
    ends: Counter[type] = Counter()
    async with running_engine(tmp_path / "engine.log") as engine:
        # A wrong number must not take the machine's memory.
        await limit_memory(engine, MOST_MEMORY)
        for number, (name, content) in enumerate(Malformed(MODEL_FILE).cases()):
            file = tmp_path / f"{number}.gguf"
            file.write_bytes(content)
            request = await engine.generate(ModelSource.of(file), only(HELLO, {"max_tokens": 1}))
            try:
                async with asyncio.timeout(MOST_SECONDS):
                    reports = await reports_of(engine, request)
            except TimeoutError:
                engine.kill()
                reports = await reports_of(engine, request)
                wrong.append(f"{name}: it never ends")
            file.unlink()
            ends[type(reports[-1])] += 1
            if complaint := amiss(reports, file):
                wrong.append(f"{name}: {complaint}")
            if isinstance(reports[-1], EngineDied):
                await limit_memory(engine, MOST_MEMORY)
        text, _ = await answer(engine, ModelSource.of(MODEL_FILE), {"max_tokens": 4})
    assert text
    assert not wrong, "\n".join(wrong)
    # Most are noticed; some numbers do no harm; few are assertions of llama.cpp's.
    assert ends[Failed] > 200
    assert ends[Finished] > 20
    assert ends[EngineDied] < 20


def amiss(reports: list[Report], file: Path) -> str:
    """What is wrong with how an attempt ended; empty if nothing is."""
    match reports[-1]:
        case Failed(message=message):
            if without_controls(message) != message or "\n" in message or "  " in message:
                return f"not a plain sentence: {message!r}"
            # Once it is loaded, its template or its short context may be to blame.
            in_use = any(isinstance(report, Loaded) for report in reports)
            if not in_use and (str(file) not in message or not message.endswith(".")):
                return f"no sentence on the file: {message!r}"
            if len(message.replace(str(file), "")) > MOST_LETTERS:
                return f"too long: {message!r}"
        case EngineDied(cause="SIGABRT", advice=advice, log=[*_, last, _]):
            # The assertion, without the folders of where llama.cpp was built.
            if not re.match(r"[\w-]+\.(c|cpp):\d+: \w", last) or "last words below" not in advice:
                return f"{advice} {last!r}"
        case EngineDied() as died:
            return f"{died}"
        case _:
            pass
    return ""
