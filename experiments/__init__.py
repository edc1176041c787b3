"""Floor 5: one small script a task; flags become settings here and nowhere else."""

import time

STARTED = time.perf_counter()
"""When this process began its work: this is the first of the project's modules to be imported."""
