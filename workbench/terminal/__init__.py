"""What the terminal, and the line to it, can do. No Textual here."""
