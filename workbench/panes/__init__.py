"""The panes: what a person sees and touches. They post messages and draw; the screen decides."""
