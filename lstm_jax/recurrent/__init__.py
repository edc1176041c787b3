"""Floor 1: the mathematics of recurrence. Knows nothing of tasks, training or files."""
