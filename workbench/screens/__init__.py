"""The screens that panes are laid out on."""
