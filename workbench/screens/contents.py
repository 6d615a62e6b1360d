"""What a model's files say of themselves: read, and laid out; both beside the interface.

A file may hold a hundred thousand keys, and texts of megabytes: of what may be endless as much
is kept as anyone reads, and it is said what is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from textual.content import Content

from workbench.models.gguf import Array, Header, Scalar, Tensor, read_array, read_header
from workbench.models.model_file import ModelFile
from workbench.models.naming import parameter_count
from workbench.panes.chat.line import folded
from workbench.panes.figures import byte_size
from workbench.untrusted import without_controls

_TEMPLATE: Final = "tokenizer.chat_template"
_TOKENS: Final = "tokenizer.ggml.tokens"
_SPECIAL: Final = ("bos", "eos", "eot", "unknown", "padding", "mask")
_MUTED: Final = "$foreground-muted"
_MOST_KEYS: Final = 1000
_MOST_TENSORS: Final = 5000
_LONGEST_VALUE: Final = 400
_LONGEST_TEMPLATE: Final = 64 << 10
_SHOWN_TOKENS: Final = 48
# To fold a line takes as long as it has rows times colours.
_LONGEST_COLOURED: Final = 4000

Row = tuple[str, ...]


class Contents(NamedTuple):
    """What is shown of a model's files, as text that no terminal acts on.

    ``keys`` and ``tensors`` are the first of ``n_keys`` and ``n_tensors``, ``template`` the
    first characters of ``n_template``; ``types`` and ``special`` are rows of tables.
    """

    version: int
    n_keys: int
    keys: tuple[tuple[str, str], ...]
    types: tuple[Row, ...]
    n_template: int
    template: str
    n_tokens: int
    tokens: tuple[str, ...]
    special: tuple[Row, ...]
    n_tensors: int
    tensors: tuple[Row, ...]


# ---- reading -------------------------------------------------------------------------------


def read(model: ModelFile) -> Contents:
    """Read it. Blocks, seconds for a header of 500 MB; raises GgufError or OSError."""
    files = model.files or (model.path,)
    headers = [read_header(file) for file in files]
    first = headers[0]
    template = first.metadata.get(_TEMPLATE)
    if not isinstance(template, str) or not template.strip():
        template = ""
    keys = ((key, value) for key, value in first.metadata.items() if key != _TEMPLATE)
    tensors = (tensor for header in headers for tensor in header.tensors)
    n_tokens, tokens, special = _vocabulary(files[0], first)
    return Contents(
        version=first.version,
        n_keys=len(first.metadata),
        keys=tuple((_one_line(key), _value(value)) for key, value in islice(keys, _MOST_KEYS)),
        types=tuple(_types(headers)),
        n_template=len(template),
        template=without_controls(template[:_LONGEST_TEMPLATE]),
        n_tokens=n_tokens,
        tokens=tokens,
        special=special,
        n_tensors=sum(len(header.tensors) for header in headers),
        tensors=tuple(map(_tensor, islice(tensors, _MOST_TENSORS))),
    )


def _tensor(tensor: Tensor) -> Row:
    shape = " x ".join(map(str, tensor.shape))
    return _one_line(tensor.name), tensor.type, shape, byte_size(tensor.size)


def _vocabulary(file: Path, header: Header) -> tuple[int, tuple[str, ...], tuple[Row, ...]]:
    """How many tokens it has, the first of them, and those that have a part to play."""
    tokens = header.metadata.get(_TOKENS)
    if not isinstance(tokens, Array) or tokens.kind != "str":
        return 0, (), ()
    first = tuple(map(_token, read_array(file, tokens, 0, _SHOWN_TOKENS)))
    return tokens.count, first, tuple(_special(file, header, tokens))


def _special(file: Path, header: Header, tokens: Array) -> Iterator[Row]:
    for name in _SPECIAL:
        number = header.metadata.get(f"tokenizer.ggml.{name}_token_id")
        if isinstance(number, int) and 0 <= number < tokens.count:
            [text] = read_array(file, tokens, number, number + 1)
            yield name, f"{number}", _token(text)


def _token(token: Scalar) -> str:
    """A token's text on one line, blanks to be seen."""
    return _one_line(token).replace(" ", "␣") or "·"


def _value(value: Scalar | Array) -> str:
    if isinstance(value, Array):
        shown = ", ".join(_one_line(each) for each in value.first[:8])
        more = ", …" if value.count > min(8, len(value.first)) else ""
        return f"{value.count:,} x {value.kind}: {shown}{more}"
    return _one_line(value)


def _one_line(value: Scalar) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return without_controls(text[:_LONGEST_VALUE].replace("\n", "⏎").replace("\t", " "))


def _types(headers: Iterable[Header]) -> Iterator[Row]:
    counts: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            counts[tensor.type] += 1
            weights[tensor.type] += tensor.n_weights
            sizes[tensor.type] += tensor.size
    total = max(1, sizes.total())
    for kind, size in sizes.most_common(_MOST_KEYS):
        yield (
            kind, f"{counts[kind]} tensors", parameter_count(weights[kind]), byte_size(size),
            f"{size / total:.0%}",
        )  # fmt: skip


# ---- laying out ----------------------------------------------------------------------------


def lines_of(contents: Contents, width: int) -> list[Content]:
    """The contents in ``width`` columns: keys, tensors by type, template, tokens, tensors.

    Some tenths of a second for all that is kept at most, one for a template made to be a burden.
    """
    return [
        *_keys(contents, width),
        *_heading("Weights by type", width),
        *_table(contents.types, width),
        *_template(contents, width),
        *_tokens(contents, width),
        *_heading(f"Tensors: {contents.n_tensors:,}", width),
        *_table(contents.tensors, width),
        *_left_out(contents.n_tensors - len(contents.tensors), "tensors", width),
    ]


def _heading(text: str, width: int) -> list[Content]:
    return [Content(), Content.styled(text, "bold $primary").truncate(width)]


def _left_out(n: int, what: str, width: int) -> Iterator[Content]:
    if n > 0:
        yield Content.styled(f"… and {n:,} more {what}, not shown", _MUTED).truncate(width)


def _keys(contents: Contents, width: int) -> Iterator[Content]:
    heading = f"Metadata: {contents.n_keys:,} keys, GGUF {contents.version}"
    yield from _heading(heading, width)[1:]
    column = min(max((len(key) for key, _ in contents.keys), default=0), width // 2)
    for key, value in contents.keys:
        name = Content(key).truncate(column, ellipsis=True)
        gap = " " * (column - name.cell_length + 2)
        shown = Content(value).truncate(max(1, width - column - 2), ellipsis=True)
        yield Content.assemble(name.stylize(_MUTED), gap, shown)
    n_shown = len(contents.keys) + bool(contents.n_template)
    yield from _left_out(contents.n_keys - n_shown, "keys", width)


def _template(contents: Contents, width: int) -> Iterator[Content]:
    yield from _heading("Chat template", width)
    if not contents.template:
        yield Content.styled("The file has none.", _MUTED)
        return
    # Here: lexers take long to import.
    from workbench.panes.chat import code

    for line in code.coloured("jinja", contents.template).split("\n", allow_blank=True):
        if len(line) > _LONGEST_COLOURED:
            line = Content(line.plain)
        for part in folded(line.expand_tabs(4), width):
            yield part.content
    yield from _left_out(contents.n_template - _LONGEST_TEMPLATE, "characters", width)


def _tokens(contents: Contents, width: int) -> Iterator[Content]:
    if contents.n_tokens:
        yield from _heading(f"Tokens: {contents.n_tokens:,}", width)
        yield from _table(contents.special, width, right=(1,))
        shown = "  ".join(contents.tokens)
        yield from Content.styled(f"{shown}  …", _MUTED).wrap(width)


def _table(
    rows: Sequence[Row], width: int, right: Sequence[int] | None = None
) -> Iterator[Content]:
    """Rows with the columns one under the other; those of figures, all but the first two."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    to_right = set(range(2, len(widths)) if right is None else right)
    for row in rows:
        cells = [
            cell.rjust(room) if at in to_right else cell.ljust(room)
            for at, (cell, room) in enumerate(zip(row, widths, strict=True))
        ]
        yield Content("  ".join(cells).rstrip()).truncate(width, ellipsis=True)
