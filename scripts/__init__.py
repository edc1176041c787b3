"""Floor 7: commands that work with many runs."""
