"""A transcript that is read: what is looked for in it, and the ways out."""

from __future__ import annotations

from textual import events, getters, on
from textual.containers import Vertical
from textual.widgets import Input

from workbench.panes.chat.conversation import ConversationReader
from workbench.panes.chat.reader import Reader
from workbench.panes.chat.search import SearchBar
from workbench.panes.field import KeyCame, type_ahead


class ReadingPane(Vertical):
    """Has a transcript, and a bar for words to look for below it."""

    transcript = getters.query_one(ConversationReader)
    search = getters.query_one(SearchBar)
    # Words to look for are asked for, until Enter.
    _looking = False

    def on_mount(self) -> None:
        self.search.display = False

    def action_page(self, direction: int) -> None:
        """Scroll the transcript by a page, wherever the focus is."""
        if direction < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    @on(Reader.FindWanted)
    def find(self) -> None:
        """Ask for words to look for."""
        self._looking = True
        self.search.display = True
        self.search.field.focus()
        self.search.field.action_select_all()
        # What stood there before is found again.
        if self.search.field.value:
            self.transcript.find(self.search.field.value)

    @on(KeyCame)
    async def _key_came(self, event: KeyCame) -> None:
        event.stop()
        if not self._looking:
            # The keys behind Enter were meant for the transcript.
            self.transcript.post_message(events.Key(event.key, event.character or None))
        elif event.key == "enter":
            self._looking = False
            # Behind the words, which are on their way from there.
            await self.search.field.action_submit()
        else:
            type_ahead(self.search.field, event)

    @on(SearchBar.Typed)
    async def _find(self, event: SearchBar.Typed) -> None:
        event.stop()
        await self.transcript.lay_out_calmly()
        self.transcript.find(event.words)

    async def show_found(self, words: str, message: int) -> None:
        """Look for words, beginning in this message."""
        with self.search.prevent(Input.Changed):
            self.search.field.value = words
        self.search.display = True
        self.transcript.focus()
        await self.transcript.lay_out_calmly()
        self.transcript.find(words)
        self.transcript.show_hit_in(message)

    @on(Reader.Found)
    def _show_count(self, event: Reader.Found) -> None:
        event.stop()
        self.search.show_count(*self.transcript.found)
        if not self.transcript.finding and not self.search.field.has_focus:
            self.search.display = False

    @on(SearchBar.Stepped)
    def _step(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.transcript.action_next_hit(event.step)

    @on(SearchBar.Accepted)
    def _accept(self, event: SearchBar.Accepted) -> None:
        event.stop()
        self._looking = False
        # The bar stays as long as its words are marked, and says which of the places it is.
        self.transcript.focus()
        self.search.display = self.transcript.finding

    @property
    def busy(self) -> bool:
        """Whether Esc has something to end here before it leads elsewhere."""
        if self.search.field.has_focus:
            return True
        return self.transcript.has_focus and self.transcript.busy

    def leave(self) -> None:
        """End what is going on: looking for words, or selecting."""
        if self.search.field.has_focus:
            self.search.field.clear()
            self.search.display = False
            self.transcript.find("")
            self.transcript.focus()
        else:
            self.transcript.leave()
