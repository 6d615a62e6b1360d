"""What a person sets once: configuration, themes, and where files live."""
