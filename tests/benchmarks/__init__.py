"""Benchmarks: run by hand, not by pytest. ``python -m tests.benchmarks.engine`` is one."""
