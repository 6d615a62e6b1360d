"""Workbench: a full-screen terminal workbench for local language models on llama.cpp."""

__version__ = "0.1.0"
