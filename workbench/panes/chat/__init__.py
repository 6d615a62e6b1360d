"""The chat pane: transcript and prompt."""
