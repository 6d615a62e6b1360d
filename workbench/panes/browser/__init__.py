"""The model browser: what can be loaded now."""
