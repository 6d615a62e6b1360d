"""Model files: the built-in one, and those already on this machine."""
