"""Which rows the parameter pane has: what is unfolded, or what passes the filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from workbench.parameters.chosen import Chosen
from workbench.parameters.kinds import Group, Parameter
from workbench.parameters.table import TABLE

GROUPS: Final[Mapping[Group, Sequence[Parameter]]] = {
    group: tuple(parameters)
    for group, parameters in groupby(TABLE, key=lambda parameter: parameter.group)
}

_AT_FIRST: Final[Group] = "sampling"


class Heading(NamedTuple):
    """Stands above the parameters of a group."""

    group: Group


Row: TypeAlias = Heading | Parameter


class Listing:
    """The rows, from the top."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._folded = set(GROUPS) - {_AT_FIRST}
        self.text = ""
        self._words: list[str] = []
        self.only_changed = False
        self.rows: list[Row] = []
        self.update()

    def use(self, chosen: Chosen) -> None:
        """List by other values."""
        self._chosen = chosen

    @property
    def filtered(self) -> bool:
        """Whether rows are left out for another reason than a fold."""
        return bool(self._words) or self.only_changed

    @property
    def shown(self) -> int:
        """How many parameters have a row."""
        return sum(isinstance(row, Parameter) for row in self.rows)

    def changed(self, group: Group) -> int:
        """How many parameters of a group differ from the default."""
        return sum(self._differs(parameter) for parameter in GROUPS[group])

    def look_for(self, text: str) -> None:
        """Let only what ``text`` describes be listed, by name first; nothing describes all."""
        self.text = text
        self._words = text.lower().replace("-", "_").split()

    def folded(self, group: Group) -> bool:
        """Whether the parameters of a group are out of sight."""
        return group in self._folded and not self.filtered

    def fold(self, groups: set[Group], *, folded: bool) -> None:
        """Let groups be folded, or unfolded."""
        self._folded = self._folded | groups if folded else self._folded - groups

    def update(self) -> None:
        """List anew, by what is to be listed now and by the values as they are."""
        kept = [each for each in TABLE if not self.only_changed or self._differs(each)]
        if self._words:
            ranked = [(rank, each) for each in kept if (rank := self._rank(each)) is not None]
            ranked.sort(key=lambda pair: pair[0])
            self.rows = [each for _, each in ranked]
            return
        self.rows = []
        for group, parameters in groupby(kept, key=lambda parameter: parameter.group):
            self.rows.append(Heading(group))
            if not self.folded(group):
                self.rows += parameters

    def _differs(self, parameter: Parameter) -> bool:
        return self._chosen.source(parameter) != "default"

    def _rank(self, parameter: Parameter) -> int | None:
        """How far behind a parameter comes in the order of the filter; None if it does not."""
        about = f"{parameter.group} {parameter.help}".lower().replace("-", "_").split()
        ranks = []
        for word in self._words:
            name = word.lstrip("_")
            if parameter.key.lower().startswith(name):
                ranks.append(0)
            elif name in parameter.key.lower():
                ranks.append(1)
            elif any(each.lstrip("_(").startswith(word) for each in about):
                ranks.append(2)
            else:
                return None
        return max(ranks)
