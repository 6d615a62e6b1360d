"""The parameter pane: every row comes from the table of parameters."""
