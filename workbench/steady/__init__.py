"""The frame of the app: it bears any line, and ends well however it ends."""
