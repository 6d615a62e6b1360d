"""What may be set: one table for the pane, the command line, validation and the engine."""
