"""The live-stats pane: what the engine is doing, and how fast."""
