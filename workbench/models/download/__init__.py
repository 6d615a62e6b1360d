"""Fetching files into the Hugging Face cache, such that nothing is ever begun again from zero."""
