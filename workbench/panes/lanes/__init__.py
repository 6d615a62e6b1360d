"""Lanes: several answers side by side."""
