"""Fetching a model from the command line: the question, the bar, the end."""

from __future__ import annotations

import queue
import shutil
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from workbench.headless.fit import before_fetching
from workbench.headless.printing import INTERRUPTED, size, tell
from workbench.models.download.place import Place
from workbench.models.download.queue import ELSEWHERE, Downloads
from workbench.models.download.report import Report
from workbench.models.download.transfer import Rules, hub_cache
from workbench.models.hub.client import HubClient
from workbench.models.hub.repository import Repository, Variant
from workbench.parameters.kinds import Values
from workbench.settings import config, paths

_BAR_CELLS: Final = 24
_LOOK_SECONDS: Final = 1.0


def fetched(
    hub: HubClient,
    repository: Repository,
    variant: Variant,
    revision: str,
    *,
    values: Values,
    yes: bool,
) -> Path | int:
    """The file to load, fetched after asking if it is not there; or the exit code.

    Who is asked is told before how it fits, loaded with ``values``. Raises GatedError.
    """
    if (there := _there(repository, variant)) is not None:
        return there
    if not _has_bytes(repository, variant) and _older(repository, variant):
        newer = "an older version: the Hub has a newer one" if revision == "main" else "another one"
        tell([f"{variant.name} is here in {newer}."])
    if not (yes or _has_bytes(repository, variant)):
        if repository.summary.gated:
            # Whom its owner does not let in is told so, and asked nothing.
            hub.resolve(repository.summary.repo, variant.files[0].path, repository.commit)
        if not _agreed(hub, repository, variant, values):
            return 1
    return _Fetching(hub, repository, variant, revision).run()


def rules() -> Rules:
    """How ``config.toml`` wants files to be fetched."""
    settings, complaints = config.load(paths.config_file())
    tell(complaints)
    return Rules.of(settings)


def _there(repository: Repository, variant: Variant) -> Path | None:
    """The file to load, if all of the variant is in the cache."""
    cache, repo, commit = hub_cache(), repository.summary.repo, repository.commit
    links = [Place(cache, repo, file.path, commit, "").link for file in variant.files]
    sizes = [file.size for file in variant.files]
    if [link.stat().st_size if link.is_file() else -1 for link in links] != sizes:
        return None
    return links[0]


def _older(repository: Repository, variant: Variant) -> bool:
    """Whether another version of the variant is in the cache."""
    snapshots = Place(hub_cache(), repository.summary.repo, "", "", "").folder / "snapshots"
    names = [file.path for file in variant.files]
    return any(all((each / name).is_file() for name in names) for each in snapshots.glob("*"))


def _has_bytes(repository: Repository, variant: Variant) -> bool:
    """Whether nothing is left to be fetched, as an older commit has the same bytes."""
    cache, repo = hub_cache(), repository.summary.repo
    blobs = [Place(cache, repo, file.path, "", file.sha256).blob for file in variant.files]
    return all(file.sha256 for file in variant.files) and all(blob.is_file() for blob in blobs)


def _agreed(hub: HubClient, repository: Repository, variant: Variant, values: Values) -> bool:
    wanted = size(variant.size)
    if not sys.stdin.isatty():
        tell([f"Error: it is {wanted}, and there is nobody to ask: --yes fetches it."])
        return False
    if variant.kind == "model":
        tell(["Reading its header, and asking llama.cpp ..."])
        tell(before_fetching(hub, repository, variant, values))
    # Its folder may not be there yet.
    disk = next(each for each in (hub_cache(), *hub_cache().parents) if each.exists())
    free = size(shutil.disk_usage(disk).free)
    question = f"Fetch {variant.name} of {repository.summary.repo}, {wanted}? ({free} are free)"
    return click.confirm(question, err=True)


class _Fetching:
    """One download, followed to its end."""

    def __init__(
        self, hub: HubClient, repository: Repository, variant: Variant, revision: str
    ) -> None:
        self._repository = repository
        self._variant = variant
        self._revision = revision
        self._heard: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._downloads = Downloads(
            paths.downloads(), hub, tell=self._heard.put, rules=rules(), others=False
        )
        self._bar = _Bar()
        # How it was before this process wanted it, and whether another one fetches it.
        self._before: Report | None = None
        self._elsewhere = False

    def run(self) -> Path | int:
        """The file that was fetched, or the exit code if it was not."""
        number = ""
        try:
            repo = self._repository.summary.repo
            before = {each.id: each for each in self._downloads.reports()}
            number = self._downloads.add(
                repo, self._variant.name, self._variant.files, self._revision
            ).id
            self._before = before.get(number)
            self._downloads.start()
            return self._follow(number)
        except KeyboardInterrupt:
            self._bar.end()
            if self._elsewhere:
                tell(["Another Workbench goes on with it."])
            else:
                self._downloads.pause(number)
                tell(["Paused: the same command goes on where it was."])
            return INTERRUPTED
        except OSError as error:
            tell([f"Error: {paths.downloads()} cannot be written to: {error.strerror}."])
            return 1
        finally:
            self._downloads.close()

    def _follow(self, number: str) -> Path | int:
        while True:
            report = self._next(number)
            if report is None:
                self._bar.end()
                return self._fetched_elsewhere()
            self._elsewhere = report.note == ELSEWHERE
            match report.state:
                case "running" | "queued":
                    self._bar.show(report)
                case "done":
                    self._bar.end()
                    # Of what another process has fetched no path is told.
                    return report.path or self._fetched_elsewhere()
                case "waiting" | "failed":
                    self._bar.end()
                    self._give_up(report)
                    return 1
                case "cancelled":
                    self._bar.end()
                    return self._fetched_elsewhere()
                case "paused":
                    self._bar.end()
                    tell(["Another Workbench has paused it."])
                    return 1

    def _next(self, number: str) -> Report | None:
        """What is heard of the download next; None once another process is done with it."""
        while True:
            try:
                report = self._heard.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                now = [each for each in self._downloads.reports() if each.id == number]
                if now and now[0].state == "queued":
                    # Ours would be running.
                    return msgspec.structs.replace(now[0], note=ELSEWHERE)
                return now[0] if now else None
            if report.id == number:
                return report

    def _fetched_elsewhere(self) -> Path | int:
        if there := _there(self._repository, self._variant):
            return there
        tell(["Error: another Workbench has cancelled it."])
        return 1

    def _give_up(self, report: Report) -> None:
        tell([f"Error: {report.note}"])
        if self._before is not None and self._before.state not in ("paused", "failed"):
            # It was wanted before, and waits on for whoever wanted it.
            return
        if report.done or self._before is not None:
            self._downloads.pause(report.id)
            if report.done:
                there = size(report.done)
                tell([f"{there} are there: the same command goes on from where it was."])
        else:
            self._downloads.cancel(report.id)


class _Bar:
    """A line on a terminal's standard error that is written again and again."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._note = ""
        self._open = False

    def show(self, report: Report) -> None:
        """How far it is; what it waits for is said once, also where there is no bar."""
        if report.note != self._note and (report.note or self._note):
            self._note = report.note
            if report.note:
                self.end()
                tell([report.note])
        if not self._shown or not report.size:
            return
        part = report.done / report.size
        cells = int(part * _BAR_CELLS)
        text = (
            f"[{'#' * cells}{' ' * (_BAR_CELLS - cells)}] {part:4.0%}  {size(report.done)} "
            f"of {size(report.size)}  {report.speed / 1e6:.1f} MB/s{_left(report)}"
        )
        width = shutil.get_terminal_size().columns - 1
        # Back to the line's beginning, and nothing behind what is written.
        click.echo(f"\r{text[:width]}\x1b[K", err=True, nl=False)
        self._open = True

    def end(self) -> None:
        """Leave the line."""
        if self._open:
            click.echo(err=True)
        self._open = False


def _left(report: Report) -> str:
    if report.remaining is None:
        return ""
    minutes, seconds = divmod(round(report.remaining), 60)
    hours, minutes = divmod(minutes, 60)
    return f"  {hours}:{minutes:02}:{seconds:02}" if hours else f"  {minutes}:{seconds:02}"
