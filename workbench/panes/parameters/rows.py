"""The rows of the parameter pane: what they do, and which of them are drawn again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.panes.field import KeyCame
from workbench.panes.lines import component_style, drawn, segments
from workbench.panes.parameters import row as looks
from workbench.panes.parameters.keys import KEYS
from workbench.panes.parameters.listing import GROUPS, Heading, Listing, Row
from workbench.parameters.chosen import Chosen, Together
from workbench.parameters.kinds import Choice, Group, Parameter, Switch, Text, Value, Values
from workbench.parameters.table import BY_KEY, TABLE

_NONE_FOUND: Final = "Nothing matches. Esc lists all."
_NONE_CHANGED: Final = "All are at their defaults. Esc lists them."


class ParameterList(ScrollView, can_focus=True):
    """The parameters, by group."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    COMPONENT_CLASSES: ClassVar[set[str]] = {"parameters--cursor", "parameters--empty"}

    class Moved(Message):
        """Another row is under the cursor, or there is something else to say of it."""

    class Changed(Message):
        """Values were set; ``live`` if one of them acts at the next token."""

        def __init__(self, *, live: bool) -> None:
            super().__init__()
            self.live = live

    class EditWanted(Message):
        """A value is to be typed."""

        def __init__(self, parameter: Parameter) -> None:
            super().__init__()
            self.parameter = parameter

    class FilterWanted(Message):
        """What to look for is to be typed."""

    class FilterChanged(Message):
        """The list was narrowed down by a key, or not any more."""

    class PresetsWanted(Message):
        """The person wants to save or to take a preset."""

    def __init__(self, chosen: Chosen) -> None:
        super().__init__()
        self._chosen = chosen
        self.listing = Listing(chosen)
        self._cursor = self.listing.rows.index(TABLE[0])
        # Where to go back to when nothing is found.
        self._left: Row | None = None
        # A field was asked for: what is typed from then on is meant for it.
        self._handing_over = False
        # What keys do, as of the last one that came here.
        self._actions: dict[str, str] = {}

    # ---- what is under the cursor --------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """What the cursor is on; nothing if nothing is listed."""
        return self.listing.rows[self._cursor] if self.listing.rows else None

    def move(self, index: int) -> None:
        """Put the cursor on a row, or on the nearest there is."""
        index = max(0, min(index, len(self.listing.rows) - 1))
        if index != self._cursor:
            before, self._cursor = self._cursor, index
            self.refresh_line(before)
            self.refresh_line(index)
            self.post_message(self.Moved())
        self._show_cursor()

    def use(self, chosen: Chosen) -> None:
        """Show and set other values."""
        self._chosen = chosen
        self.listing.use(chosen)
        self.show()

    def go_to(self, parameter: Parameter) -> None:
        """Put the cursor on a parameter, wherever it is folded away."""
        self.listing.fold({parameter.group}, folded=False)
        self.show(parameter)

    def show(self, wanted: Row | None = None) -> None:
        """List anew, with the cursor on ``wanted`` or on what it was on."""
        wanted = wanted or self.row
        self.listing.update()
        rows = self.listing.rows
        if wanted not in rows and isinstance(wanted, Parameter):
            wanted = Heading(wanted.group)
        self._cursor = rows.index(wanted) if wanted in rows else 0
        self.virtual_size = Size(self._width, len(rows))
        self.refresh()
        self._show_cursor()
        self.post_message(self.Moved())

    def look_for(self, text: str) -> None:
        """List what ``text`` describes, with the cursor on the likeliest."""
        before = self.row or self._left
        self.listing.look_for(text)
        if text.strip():
            self.listing.update()
            self.show(next(iter(self.listing.rows), None))
        elif isinstance(before, Parameter):
            self.go_to(before)
        else:
            self.show(before)

    def _show_cursor(self) -> None:
        # With the first of a group its heading.
        rows, first = self.listing.rows, self._cursor
        if first and isinstance(rows[first - 1], Heading):
            first -= 1
        region = Region(0, first, 1, self._cursor - first + 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    # ---- keys and mouse ------------------------------------------------------------------

    def on_focus(self) -> None:
        """Whatever was to be typed has been."""
        self._handing_over = False

    async def _on_key(self, event: events.Key) -> None:
        # Keys act here, in their order, not when they have come up to the app.
        if self._handing_over and event.key != "escape":
            self.post_message(KeyCame(event.key, event.character or ""))
        else:
            self._actions = {
                key: active.binding.action
                for key, active in self.screen.active_bindings.items()
                if active.node is self
            }
            if event.key not in self._actions:
                await super()._on_key(event)
                return
            await self.run_action(self._actions[event.key])
        event.stop()
        event.prevent_default()

    def action_of(self, key: str) -> str:
        """What a key does to the rows; empty if it does nothing."""
        return self._actions.get(key, "")

    def on_click(self, event: events.Click) -> None:
        """Go to a row; a click on a heading folds it, one on the row of the cursor edits it."""
        event.stop()
        index = self.scroll_offset.y + event.y
        if index < len(self.listing.rows):
            again = index == self._cursor
            self.move(index)
            if again or isinstance(self.row, Heading):
                self.action_choose()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Esc is for the list only where something is left out of it."""
        return action != "show_all" or self.listing.filtered

    def action_down(self) -> None:
        """Go to the next row."""
        self.move(self._cursor + 1)

    def action_up(self) -> None:
        """Go to the row before."""
        self.move(self._cursor - 1)

    def action_first(self) -> None:
        """Go to the first row."""
        self.move(0)

    def action_last(self) -> None:
        """Go to the last row."""
        self.move(len(self.listing.rows) - 1)

    def action_page(self, direction: int) -> None:
        """Go on by what is in sight."""
        self.move(self._cursor + direction * max(1, self.size.height - 1))

    def action_step(self, steps: int) -> None:
        """Move the value; right unfolds a group, left folds it."""
        row = self.row
        if isinstance(row, Heading):
            self._fold({row.group}, folded=steps < 0)
        elif row is not None:
            self.set(row, row.stepped(self._chosen.value(row), steps), stepped=True)

    def action_choose(self) -> None:
        """Type a value, or fold a group."""
        row = self.row
        if isinstance(row, Heading):
            self.action_fold()
        elif row is not None:
            self._handing_over = not isinstance(row, Text)
            self.post_message(self.EditWanted(row))

    def action_next(self) -> None:
        """Take the next choice; where there are none, type a value."""
        row = self.row
        if isinstance(row, Switch):
            self.set(row, not self._chosen.value(row))
        elif isinstance(row, Choice):
            index = row.choices.index(str(self._chosen.value(row))) + 1
            self.set(row, row.choices[index % len(row.choices)])
        else:
            self.action_choose()

    def action_fold(self) -> None:
        """Fold the group of the row, or unfold it."""
        if self.row is not None:
            self._fold({self.row.group}, folded=not self.listing.folded(self.row.group))

    def action_fold_all(self) -> None:
        """Fold every group; if all are, unfold them."""
        folded = not all(self.listing.folded(group) for group in GROUPS)
        self._fold(set(GROUPS), folded=folded)

    def _fold(self, groups: set[Group], *, folded: bool) -> None:
        # What a filter lists is not folded away: it is what was looked for.
        if not self.listing.filtered:
            self.listing.fold(groups, folded=folded)
            self.show()

    def action_filter(self) -> None:
        """Ask for what to look for."""
        self._left = self.row or self._left
        self._handing_over = True
        self.post_message(self.FilterWanted())

    def action_changed_only(self) -> None:
        """List what differs from the default, or all again."""
        self._left = self.row or self._left
        self.listing.only_changed = not self.listing.only_changed
        self.show(self._left)
        self.post_message(self.FilterChanged())

    def action_show_all(self) -> None:
        """List all again."""
        self.listing.only_changed = False
        self.look_for("")
        self.post_message(self.FilterChanged())

    def action_presets(self) -> None:
        """Ask for the presets."""
        self.post_message(self.PresetsWanted())

    # ---- values --------------------------------------------------------------------------

    def set(self, parameter: Parameter, value: Value, *, stepped: bool = False) -> None:
        """Give a parameter a value that it can take."""
        n_changed = self.listing.changed(parameter.group)
        if not self._chosen.put(parameter, value, stepped=stepped):
            return
        self._redraw(parameter)
        if self.listing.changed(parameter.group) != n_changed:
            self._redraw(Heading(parameter.group))
        self._report([parameter.key])

    def set_together(self, values: Values) -> Together | None:
        """Give several parameters values that they can take; returns what changes, if anything."""
        together = self._chosen.put_together(values)
        if together is not None:
            self.show()
            self._report(together.values)
        return together

    def take_back(self, together: Together) -> None:
        """Put back what was there before, but for what has been set otherwise since."""
        self._chosen.take_back(together)
        self.show()
        self._report(together.values)

    def action_reset(self) -> None:
        """Take the default."""
        if isinstance(self.row, Parameter):
            self.set(self.row, self._chosen.default(self.row))

    def action_reset_all(self) -> None:
        """Take every default."""
        n_values = len(self._chosen.values)
        if n_values:
            self.replace({})
            what = "parameter is" if n_values == 1 else "parameters are"
            self.notify(f"{n_values} {what} back at the default; u undoes it.", timeout=5)
        else:
            self.notify("All parameters are at their defaults.", timeout=3)

    def action_undo(self) -> None:
        """Take the last change back."""
        changed = self._chosen.undo()
        if not changed:
            self.notify("There is nothing to undo.", timeout=3)
            return
        self.show()
        self._report(changed)
        hidden = [BY_KEY[key] for key in changed if BY_KEY[key] not in self.listing.rows]
        if hidden:
            # Nothing in sight shows it.
            words = (f"{each.key} {each.text(self._chosen.value(each))}" for each in hidden[:3])
            more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
            self.notify(f"Back to {', '.join(words)}{more}.", timeout=4, markup=False)

    def replace(self, values: dict[str, Value], preset: str = "") -> None:
        """Put the values of a preset in the place of all that was set."""
        changed = self._chosen.replace(values, preset)
        self.show()
        self._report(changed)

    def _report(self, keys: Iterable[str]) -> None:
        self.post_message(self.Changed(live=any(BY_KEY[key].acts == "live" for key in keys)))

    # ---- drawing -------------------------------------------------------------------------

    def _redraw(self, row: Row) -> None:
        if row in self.listing.rows:
            self.refresh_line(self.listing.rows.index(row))

    def on_resize(self, _event: events.Resize) -> None:
        """The field and the explanation take room: the row they belong to stays in sight."""
        self.virtual_size = Size(self._width, len(self.listing.rows))
        self._show_cursor()

    @property
    def _width(self) -> int:
        # Without the column of the scroll bar.
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        index, rows = self.scroll_offset.y + y, self.listing.rows
        style, line = self.visual_style, Content()
        if not rows:
            style = component_style(self, "parameters--empty")
            lines = Content(self._empty).wrap(self._width)
            line = lines[y] if y < len(lines) else line
        elif index < len(rows):
            if index == self._cursor:
                style = component_style(self, "parameters--cursor")
            line = self._line(index).truncate(self._width, pad=True)
        return drawn(self, segments(self, line, style))

    @property
    def _empty(self) -> str:
        return _NONE_FOUND if self.listing.text.strip() else _NONE_CHANGED

    def _line(self, index: int) -> Content:
        row = self.listing.rows[index]
        if isinstance(row, Heading):
            return looks.heading(self.listing, row, self._width)
        return looks.parameter(self._chosen, row, self._width)

    @property
    def text(self) -> str:
        """All rows, line by line, or why there are none."""
        if not self.listing.rows:
            return self._empty
        return "\n".join(self._line(index).plain for index in range(len(self.listing.rows)))
