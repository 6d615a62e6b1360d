"""Rows of what the Hub has and of what is being fetched, columns one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content

from workbench.models import fit as fits
from workbench.models.fit import HOST, Fit
from workbench.models.naming import parameter_count
from workbench.panes.figures import byte_size, clock, days_ago, short_count
from workbench.untrusted import without_controls

if TYPE_CHECKING:
    # What speaks to the Hub takes a fifth of the time in which the app starts.
    from workbench.models.download.report import Report
    from workbench.models.hub.repository import Variant
    from workbench.models.hub.search import Summary

_MUTED: Final = "$foreground-muted"
_VERDICTS: Final = {
    "fits": "$success",
    "tight": "$warning",
    "slow": "$warning",
    "cannot": "$error",
}
_NOTHING: Final = Content()
# The column of quantisations, where there is room for it: the others take so many columns.
_LABEL: Final = 22
_BESIDE_LABEL: Final = 33
_KEPT_END: Final = 7
# A download then has room for its bytes, too.
_WIDE: Final = 52
# What a search finds then has room for its last change, and for its licence.
_WITH_AGE: Final = 56
_WITH_LICENCE: Final = 90
_LICENCE: Final = 12
_MARKS: Final = {"paused": "‖", "failed": "✕", "waiting": "…", "queued": "○"}
_WHY_ROWS: Final = 2


def beside(words: Content | str, end: Content | str, width: int) -> Content:
    """Words, shortened if need be, and what stands at the right."""
    end = Content(end) if isinstance(end, str) else end
    shown = Content(without_controls(words)) if isinstance(words, str) else words
    shown = shown.truncate(max(1, width - end.cell_length - 1), ellipsis=True)
    gap = " " * max(0, width - shown.cell_length - end.cell_length)
    return Content.assemble(shown, gap, end)


def shortened(name: str, room: int) -> Content:
    """``name`` in at most ``room`` columns: the end, which tells quantisations apart, stays."""
    name = without_controls(name)
    if Content(name).cell_length <= room:
        return Content(name)
    end = Content("…" + name[-_KEPT_END:])
    return Content(name).truncate(max(1, room - end.cell_length)) + end


def of_summary(summary: Summary, width: int) -> Content:
    """A repository that was found: name, parameters, downloads, and what else has room."""
    mark = ("◆", "$warning") if summary.gated else (" ", "")
    figures = (
        f"{parameter_count(summary.n_parameters):>6} {short_count(summary.downloads):>6} "
        f"{short_count(summary.likes):>6}"
    )
    if width >= _WITH_AGE:
        figures += f" {_age(summary):>5}"
    if width >= _WITH_LICENCE:
        licence = Content(without_controls(summary.licence)).truncate(_LICENCE, ellipsis=True)
        figures += " " * (1 + _LICENCE - licence.cell_length) + licence.plain
    # One column for the scroll bar.
    room = max(8, width - 1 - 2 - Content(figures).cell_length - 1)
    owner, _, name = summary.repo.partition("/")
    title = Content.assemble((f"{owner}/", _MUTED), name)
    if title.cell_length > room:
        title = Content(name)
    return Content.assemble(mark, " ", beside(title, "", room), " ", (figures, _MUTED))


def summary_head(width: int) -> str:
    """What stands above the columns of those."""
    age = "   age" if width >= _WITH_AGE else ""
    licence = f" {'licence':>{_LICENCE}}" if width >= _WITH_LICENCE else ""
    return f"params   down  likes{age}{licence}"


def _age(summary: Summary) -> str:
    try:
        updated = date.fromisoformat(summary.updated)
    except ValueError:
        return ""
    return days_ago((datetime.now(UTC).date() - updated).days)


def facts(summary: Summary, width: int, gate: str = "", *, is_open: bool = False) -> list[Content]:
    """What is known of a repository, in few lines.

    ``gate`` says how one comes into a gated one; ``is_open`` that one is in.
    """
    build = [
        parameter_count(summary.n_parameters),
        summary.architecture,
        f"context {summary.n_ctx:,}" if summary.n_ctx else "",
        summary.licence,
    ]
    fame = [
        f"{short_count(summary.downloads)} downloads",
        f"{short_count(summary.likes)} likes",
        f"updated {summary.updated}" if summary.updated else "",
    ]
    lines = [
        Content(", ".join(filter(None, build)) or "Nothing is known of its build."),
        Content.styled(", ".join(filter(None, fame)), _MUTED),
    ]
    lines = [line.truncate(width, ellipsis=True) for line in lines]
    if summary.gated and is_open:
        lines.append(Content.styled("Gated; its conditions are accepted.", _MUTED))
    elif summary.gated:
        words = gate or "Gated: its conditions are to be accepted on its page first."
        lines += Content.styled(without_controls(words), "$warning").wrap(width)
    return lines


def of_variant(variant: Variant, fit: Fit | None, state: str, width: int) -> Content:
    """A file, or all parts of one: type, size, verdict, speed, and whether it is here."""
    mark = {"here": ("●", "$success"), "coming": ("↓", "$accent")}.get(state, (" ", ""))
    room = max(8, min(_LABEL, width - _BESIDE_LABEL))
    label = Content(without_controls(label_of(variant))).truncate(room, ellipsis=True)
    figures = f"{byte_size(variant.size):>9}"
    if variant.kind != "model":
        verdict = Content.styled(variant.kind, _MUTED)
    elif state == "broken":
        verdict = Content.styled("broken", "$error")
    elif variant.missing:
        verdict = Content.styled(variant.incomplete, "$error")
    elif fit is None:
        verdict = Content()
    else:
        # What is only guessed says so.
        sure = "" if fit.exact else "~"
        tps = f"{sure}{fits.speed(fit.tps)} t/s" if fit.tps is not None else ""
        verdict = Content.assemble(
            (f"{sure + fit.verdict:<8}", _VERDICTS[fit.verdict]), (f"{tps:>11}", _MUTED)
        )
    row = Content.assemble(mark, " ", label.pad_right(room - label.cell_length), figures)
    return Content.assemble(row, "  ", verdict).truncate(max(8, width - 1), ellipsis=True)


def label_of(variant: Variant) -> str:
    """The quantisation, or the name where that does not tell."""
    name = variant.name.rpartition("/")[2]
    label = variant.quantisation or name
    return f"{label} ({len(variant.files)} parts)" if len(variant.files) > 1 else label


def of_fit(
    variant: Variant,
    fit: Fit | None,
    problem: str,
    width: int,
    by: Content = _NOTHING,
) -> list[Content]:
    """What a file would take: the figures in three lines, then the verdict in words.

    ``by`` says by what it is reckoned.
    """
    if variant.kind != "model":
        about = "shows images to a model" if variant.kind == "projector" else "helps to quantise"
        return [Content.styled(f"It {about}; it is no model.", _MUTED)]
    reckoned = by.wrap(width) if by else []
    if problem:
        return [*Content.styled(without_controls(problem), "$warning").wrap(width), *reckoned]
    if fit is None:
        return [Content.styled("Its header is being looked at …", _MUTED), *reckoned]
    about = "" if fit.exact else "about "
    parts = ", ".join(
        f"{name} {byte_size(sum(sizes))}"
        for name, sizes in (
            ("weights", [place.weights for place in fit.places]),
            ("cache", [place.cache for place in fit.places]),
            ("compute", [place.compute for place in fit.places]),
        )
    )
    free = sum(place.free for place in fit.places if place.name == HOST)
    gpus = sum(place.free for place in fit.places if place.name != HOST)
    of = f" are needed, {byte_size(free)} are free"
    of += f" and {byte_size(gpus)} on GPUs" if gpus else ""
    lengths = fits.lengths(fit)
    lines = [
        Content.assemble((f"{about}{byte_size(fit.total)}", "bold"), of),
        Content.styled(parts, _MUTED),
        *([Content.styled(lengths, _MUTED)] if lengths else []),
    ]
    words = fits.sentence(fit) if fit.exact else "llama.cpp is being asked …"
    return [
        *(line.truncate(width, ellipsis=True) for line in lines),
        *Content(words).wrap(width),
        *reckoned,
    ]


def of_download(report: Report, width: int) -> Content:
    """A download: its name, how far it is, how fast it goes and how long it takes."""
    if report.state == "running":
        left = clock(report.remaining) if report.remaining is not None else ""
        speed = f"{report.speed / 1e6:.1f} MB/s" if report.speed else ""
        end = f"{speed:>10} {left:>6}"
    else:
        end = f"{report.state:>17}"
    of = f" of {byte_size(report.size)}" if report.size and width >= _WIDE else ""
    end = f"{part_of(report):>4}{of:<12}{end}" if of else f"{part_of(report):>4} {end}"
    if width < len(end) + 14:
        end = f"{part_of(report):>4}"
    name = shortened(report.name.rpartition("/")[2], max(4, width - len(end) - 3))
    mark = _MARKS.get(report.state, "↓")
    return beside(Content.assemble(f"{mark} ", name), Content.styled(end, _MUTED), max(8, width))


def why(report: Report, width: int) -> list[Content]:
    """What a download waits for, or why it failed; nothing of one that runs."""
    if report.state == "running" or not report.note:
        return []
    colour = "$error" if report.state == "failed" else _MUTED
    lines = Content.styled(without_controls(report.note), colour).wrap(max(8, width - 2))
    if len(lines) > _WHY_ROWS:
        lines[_WHY_ROWS - 1] = lines[_WHY_ROWS - 1] + Content.styled(" …", colour)
    return [Content.assemble("  ", line) for line in lines[:_WHY_ROWS]]


def part_of(report: Report) -> str:
    """How much of it is there: ``43%``."""
    return f"{report.done / report.size:.0%}" if report.size else ""


def quiet(reports: Sequence[Report], width: int) -> list[Content]:
    """All downloads in a line; two where the pane is too narrow for one."""
    going = [each for each in reports if each.state == "running"] or list(reports)
    if not going:
        return []
    first, more = going[0], len(reports) - 1
    lines = [of_download(first, width)]
    if width < 36:
        speed = f"{first.speed / 1e6:.1f} MB/s" if first.state == "running" else first.state
        left = f"{clock(first.remaining)} left" if first.remaining is not None else ""
        lines.append(beside(Content.styled(f"  {speed}", _MUTED), left, width))
    if more:
        lines.append(beside(Content.styled(f"  {more} more in the queue", _MUTED), "", width))
    return lines
