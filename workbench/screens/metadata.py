"""All that a model's file says of itself, on a screen of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer

from workbench.models.gguf import Array, Header, Scalar, read_array, read_header
from workbench.models.model_file import ModelFile
from workbench.models.naming import parameter_count
from workbench.panes.chat.line import folded
from workbench.panes.chat.search import SearchBar
from workbench.panes.figures import byte_size
from workbench.panes.sheet import Sheet
from workbench.screens.dialog import Dialog
from workbench.untrusted import without_controls

_TEMPLATE: Final = "tokenizer.chat_template"
_TOKENS: Final = "tokenizer.ggml.tokens"
_SPECIAL: Final = ("bos", "eos", "eot", "unknown", "padding", "mask")
_MUTED: Final = "$foreground-muted"
# Of what may be endless, as much as anyone reads.
_LONGEST_VALUE: Final = 400
_LONGEST_TEMPLATE: Final = 64 << 10
_MOST_TENSORS: Final = 5000
_SHOWN_TOKENS: Final = 48


class Contents(NamedTuple):
    """What is read of a model's files: their headers, and texts of the vocabulary."""

    headers: tuple[Header, ...]
    n_tokens: int
    tokens: tuple[str, ...]
    special: tuple[tuple[str, int, str], ...]


def read(model: ModelFile) -> Contents:
    """Read it. Blocks; raises GgufError or OSError."""
    files = model.files or (model.path,)
    headers = tuple(map(read_header, files))
    tokens = headers[0].metadata.get(_TOKENS)
    if not isinstance(tokens, Array) or tokens.kind != "str":
        return Contents(headers, 0, (), ())
    first = tuple(map(str, read_array(files[0], tokens, 0, _SHOWN_TOKENS)))
    special = tuple(_special(files[0], headers[0], tokens))
    return Contents(headers, tokens.count, first, special)


def _special(file: Path, header: Header, tokens: Array) -> Iterator[tuple[str, int, str]]:
    for name in _SPECIAL:
        number = header.metadata.get(f"tokenizer.ggml.{name}_token_id")
        if isinstance(number, int) and 0 <= number < tokens.count:
            [text] = read_array(file, tokens, number, number + 1)
            yield name, number, str(text)


class MetadataScreen(Dialog[None]):
    """Shows it, to be scrolled through."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Close", id="metadata.close", tooltip="Find no more, or close"),
        Binding("i,q", "dismiss", "Close", show=False, id="metadata.leave", tooltip="Close"),
        Binding("slash", "find", "Find", id="metadata.find", tooltip="Find words in it"),
        Binding(
            "n", "step(1)", "Next", show=False, id="metadata.next", tooltip="Next line found"
        ),
        Binding(
            "N", "step(-1)", "Before", show=False, id="metadata.before",
            tooltip="Line found before",
        ),
    ]  # fmt: skip

    sheet = getters.query_one(Sheet)
    bar = getters.query_one(SearchBar)

    def __init__(self, name: str, contents: Contents) -> None:
        super().__init__()
        self._called = name
        self._contents = contents

    def compose(self) -> ComposeResult:
        with Vertical(classes="pane") as pane:
            pane.border_title = Content(without_controls(self._called))
            yield Sheet()
            yield SearchBar("Find in the metadata")
            yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.sheet.show(lambda width: lines_of(self._contents, width))
        self.bar.display = False
        self.sheet.focus()

    # ---- finding -----------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ask for words to look for."""
        self.bar.display = True
        self.set_focus(self.bar.field)

    @on(SearchBar.Typed)
    def _typed(self, event: SearchBar.Typed) -> None:
        event.stop()
        self.sheet.find(event.words)
        self.bar.show_count(*self.sheet.found)

    @on(SearchBar.Accepted)
    def _accept(self, event: SearchBar.Accepted) -> None:
        event.stop()
        self.sheet.focus()

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.action_step(event.step)

    def action_step(self, step: int) -> None:
        """Go to another of the lines found."""
        self.sheet.step(step)
        self.bar.show_count(*self.sheet.found)

    def action_back(self) -> None:
        """Look for nothing any more, or leave."""
        if not self.bar.display:
            self.dismiss(None)
            return
        self.bar.field.clear()
        self.bar.display = False
        self.sheet.focus()


def lines_of(contents: Contents, width: int) -> list[Content]:
    """The contents in ``width`` columns: keys, tensors by type, template, tokens, all tensors."""
    tensors = [tensor for header in contents.headers for tensor in header.tensors]
    return [
        *_keys(contents.headers[0], width),
        *_types(contents.headers, width),
        *_template(contents.headers[0], width),
        *_tokens(contents, width),
        *_heading(f"Tensors: {len(tensors)}", width),
        *_table(
            [
                (tensor.name, tensor.type, " x ".join(map(str, tensor.shape)),
                 byte_size(tensor.size))
                for tensor in tensors[:_MOST_TENSORS]
            ],
            width,
        ),
    ]  # fmt: skip


def _heading(text: str, width: int) -> list[Content]:
    return [Content(), Content.styled(text, "bold $primary").truncate(width)]


def _keys(header: Header, width: int) -> list[Content]:
    known = {key: each for key, each in header.metadata.items() if key != _TEMPLATE}
    heading = _heading(f"Metadata: {len(header.metadata)} keys, GGUF {header.version}", width)[1:]
    column = min(max(map(len, known), default=0), width // 2)
    lines = []
    for key, each in known.items():
        name = Content(without_controls(key)).truncate(column, ellipsis=True)
        gap = " " * (column - name.cell_length + 2)
        value = Content(_value(each)).truncate(max(1, width - column - 2), ellipsis=True)
        lines.append(Content.assemble(name.stylize(_MUTED), gap, value))
    return [*heading, *lines]


def _value(value: Scalar | Array) -> str:
    if isinstance(value, Array):
        shown = ", ".join(_one_line(each) for each in value.first[:8])
        more = ", …" if value.count > min(8, len(value.first)) else ""
        return f"{value.count:,} x {value.kind}: {shown}{more}"
    return _one_line(value)


def _one_line(value: Scalar) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return without_controls(text[:_LONGEST_VALUE].replace("\n", "⏎").replace("\t", " "))


def _types(headers: Sequence[Header], width: int) -> list[Content]:
    counts: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            counts[tensor.type] += 1
            weights[tensor.type] += tensor.n_weights
            sizes[tensor.type] += tensor.size
    total = max(1, sum(sizes.values()))
    rows = [
        (kind, f"{counts[kind]} tensors", parameter_count(weights[kind]), byte_size(size),
         f"{size / total:.0%}")
        for kind, size in sizes.most_common()
    ]  # fmt: skip
    return [*_heading("Weights by type", width), *_table(rows, width)]


def _template(header: Header, width: int) -> list[Content]:
    template = header.metadata.get(_TEMPLATE)
    if not isinstance(template, str) or not template.strip():
        return [*_heading("Chat template", width), Content.styled("The file has none.", _MUTED)]
    # Here: lexers take long to import.
    from workbench.panes.chat import code

    text = without_controls(template[:_LONGEST_TEMPLATE])
    coloured = code.coloured("jinja", text).split("\n", allow_blank=True)
    lines = [part.content for line in coloured for part in folded(line.expand_tabs(4), width)]
    return [*_heading("Chat template", width), *lines]


def _tokens(contents: Contents, width: int) -> list[Content]:
    if not contents.n_tokens:
        return []
    rows = [(name, f"{number}", repr_of(text)) for name, number, text in contents.special]
    shown = "  ".join(map(repr_of, contents.tokens))
    return [
        *_heading(f"Tokens: {contents.n_tokens:,}", width),
        *_table(rows, width, right=(1,)),
        *Content.styled(f"{shown}  …", _MUTED).wrap(width),
    ]


def repr_of(token: str) -> str:
    """A token's text on one line, blanks to be seen."""
    return without_controls(token).replace("\n", "⏎").replace(" ", "␣") or "·"


def _table(
    rows: Sequence[Sequence[str]], width: int, right: Sequence[int] | None = None
) -> list[Content]:
    """Rows with the columns one under the other; those of figures, all but the first two."""
    if not rows:
        return []
    shown = [[without_controls(cell).replace("\n", "⏎") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    to_right = set(range(2, len(widths)) if right is None else right)
    lines = []
    for row in shown:
        cells = [
            cell.rjust(room) if at in to_right else cell.ljust(room)
            for at, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(Content("  ".join(cells).rstrip()).truncate(width, ellipsis=True))
    return lines
