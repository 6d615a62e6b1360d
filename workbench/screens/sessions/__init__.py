"""All conversations: listed, searched, and put in order."""
