"""What the store of conversations costs: listing, searching, opening, and keeping a stream.

``python -m tests.benchmarks.sessions`` fills a store with 10,000 conversations of 500,000
messages, which takes some minutes, and prints a table.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep, thread_time

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks import quiet
from workbench.sessions.conversation import Conversation, ModelFile
from workbench.sessions.journal import Journal
from workbench.sessions.session import Session
from workbench.sessions.store import Store

# As in English, a few words are said everywhere and most hardly ever.
_N_WORDS = 20_000
_LENGTHS = (5, 20, 60, 150)
_FILE = ModelFile(path="/models/llama-3.2-3b-instruct-q4_k_m.gguf", size=2_019_377_376)


def _vocabulary() -> list[str]:
    chance = random.Random(1)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < _N_WORDS:
        words["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4))))] = None
    return list(words)


class Filling:
    """Conversations of random words."""

    def __init__(self) -> None:
        self._chance = random.Random(2)
        self.words = _vocabulary()
        total = 0.0
        self._weights = [total := total + 1 / (rank + 1) for rank in range(_N_WORDS)]

    def text(self) -> str:
        """Some sentences."""
        n_words = self._chance.choice(_LENGTHS)
        return " ".join(self._chance.choices(self.words, cum_weights=self._weights, k=n_words))

    def session(self, n_messages: int) -> Session:
        """A conversation."""
        made = Conversation()
        for number in range(n_messages):
            message = made.add("assistant" if number % 2 else "user", self.text())
            if number % 2:
                message.model, message.model_file, message.finish = "llama", _FILE, "stop"
                message.parameters = {"temperature": 0.6, "top_k": 20}
                message.n_tokens, message.tps, message.seed = 100, 42.5, number
        return Session(made)


def fill(file: Path, n_conversations: int, n_messages: int) -> int:
    """Fill a store; returns the number of a conversation that is long."""
    filling = Filling()
    each = n_messages // n_conversations
    with Store(file) as store:
        # A commit of each would wait for the disk ten thousand times.
        store._connection.execute("PRAGMA synchronous = OFF")
        for number in range(n_conversations):
            store.write(filling.session(each).snapshot())
            if sys.stderr.isatty() and number % 500 == 0:
                print(f"\r{number} conversations", end="", file=sys.stderr)
        return store.write(filling.session(2000).snapshot()).id


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds, sorted."""
    found = []
    for _ in range(times):
        started = perf_counter()
        work()
        found.append((perf_counter() - started) * 1e3)
    return sorted(found)


class Keeping(msgspec.Struct):
    """What it costs to keep a stream; shares of a core."""

    interface: float
    journal: float
    written: int


def keep(file: Path, *, seconds: float, rate: int = 50, pieces: int = 20) -> Keeping:
    """Keep an answer that comes at ``rate`` tokens a second in ``pieces`` a second."""
    words = Filling().words
    used: list[float] = []
    n_written = 0

    def written(_: Session) -> None:
        nonlocal n_written
        n_written += 1
        used[:] = [thread_time()]

    journal = Journal(file, on_trouble=print, on_written=written)
    session = Filling().session(200)
    journal.keep_now(session, patience=60)
    session.conversation.add("user", "go on")
    answer = session.conversation.add("assistant", model="llama")
    journal.keep_now(session, patience=60)
    [before] = used
    n_written = 0
    own = 0.0
    started = perf_counter()
    for number in range(round(seconds * pieces)):
        answer.text += " ".join(words[number : number + rate // pieces]) + " "
        ours = thread_time()
        journal.keep(session)
        own += thread_time() - ours
        sleep(max(0.0, started + (number + 1) / pieces - perf_counter()))
    journal.keep_now(session, patience=60)
    wall = perf_counter() - started
    found = Keeping(own / wall, (used[0] - before) / wall, n_written)
    answer.finish = "stop"
    journal.leave(session)
    journal.close(patience=60)
    return found


def rewriting(file: Path, *, seconds: float, rate: int = 50, a_second: int = 2) -> float:
    """The other way: the whole open message once more each time, index and all; of a core."""
    words = Filling().words
    with Store(file) as store:
        session = Filling().session(200)
        place = store.write(session.snapshot())
        own = thread_time()
        text = ""
        for number in range(round(seconds * a_second)):
            text += " ".join(words[number : number + rate // a_second]) + " "
            store._connection.execute(
                "UPDATE messages SET text = ? WHERE id = ?", (text, place.rows[-1])
            )
        return (thread_time() - own) / seconds


class Report:
    """A table of what was measured, and whether it is what is wanted."""

    def __init__(self, title: str, times: int) -> None:
        self._times = times
        self._table = Table(title=title)
        for heading in ("what", "median", "p95", "wanted", ""):
            self._table.add_column(heading)

    def times(self, what: str, work: Callable[[], object], limit: float) -> None:
        """Milliseconds; the limit is for the 95th of a hundred, others leaving us alone."""
        found = timed(work, self._times)
        if _p95(found) > limit:
            found, disturbed = quiet.measured(lambda: timed(work, self._times), attempts=2)
            what += f", others used {disturbed:.0%}" if disturbed > 0.05 else ""
        p95 = _p95(found)
        verdict = "met" if p95 <= limit else "MISSED"
        self._table.add_row(
            what, f"{median(found):.1f} ms", f"{p95:.1f} ms", f"<= {limit:.0f} ms", verdict
        )

    def share(self, what: str, value: float, limit: float | None = None) -> None:
        """A share of a core."""
        wanted = "" if limit is None else f"<= {limit:.1%}"
        verdict = "" if limit is None else "met" if value <= limit else "MISSED"
        self._table.add_row(what, f"{value:.2%}", "", wanted, verdict)

    def print(self) -> None:
        """Print it."""
        Console(width=None if sys.stdout.isatty() else 120).print(self._table)


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]


def _searches(words: list[str]) -> Iterator[tuple[str, str]]:
    yield "a word said everywhere", words[0]
    yield "two words said everywhere", f"{words[0]} {words[1]}"
    yield "a word said often", words[50]
    yield "a rare word", words[15_000]
    yield "three words", f"{words[5]} {words[40]} {words[300]}"
    yield "two letters of a word", words[0][:2]
    yield "words that follow each other", f'"{words[0]} {words[1]}"'
    yield "nothing", "xylophone"


def measure(file: Path, long: int, report: Report, *, seconds: float) -> None:
    """All figures of a store that is filled."""
    filling = Filling()
    chance = random.Random(3)
    report.times("open the store", lambda: Store(file).close(), 100)
    with Store(file) as store:
        n_conversations = len(store.summaries())
        report.times("list all", store.summaries, 100)
        report.times("list the first 100", lambda: store.summaries(limit=100), 100)
        word = filling.words[50]
        report.times("list those titled with a word", lambda: store.summaries(titled=word), 100)
        for what, words in _searches(filling.words):
            shown = len(store.search(words))
            report.times(f"search {what} ({shown} shown)", partial(store.search, words), 150)
        report.times(
            "open one of 50 messages",
            lambda: store.open(chance.randrange(1, n_conversations)),
            100,
        )
        report.times("open one of 2,000 messages", lambda: store.open(long), 100)
    kept = keep(file, seconds=seconds)
    report.share(
        f"keep a stream of 50 tokens/s ({kept.written / seconds:.1f} writes/s)",
        kept.interface + kept.journal,
        0.01,
    )
    report.share("  of it in the interface's thread", kept.interface)
    report.share(
        "the whole answer written anew, 2 times/s, after 10 minutes", rewriting(file, seconds=600)
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--conversations", default=10_000, show_default=True)
@click.option("--messages", default=500_000, show_default=True)
@click.option("--times", default=20, show_default=True, help="How often each is measured.")
@click.option("--seconds", default=30.0, show_default=True, help="How long the stream lasts.")
def main(conversations: int, messages: int, times: int, seconds: float) -> None:
    """Measure the store."""
    with tempfile.TemporaryDirectory(prefix="workbench-benchmark-") as folder:
        file = Path(folder) / "sessions.sqlite"
        started = perf_counter()
        long = fill(file, conversations, messages)
        report = Report(
            f"{conversations:,} conversations, {messages:,} messages, "
            f"{file.stat().st_size / 1e6:.0f} MB, SQLite {sqlite3.sqlite_version}, "
            f"filled in {perf_counter() - started:.0f} s",
            times,
        )
        measure(file, long, report, seconds=seconds)
        report.print()


if __name__ == "__main__":
    main()
