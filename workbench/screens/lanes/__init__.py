"""Lanes: one prompt, many settings, side by side."""
