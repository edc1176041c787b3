"""Floor 6: one small script a task; flags become settings here and nowhere else."""

import gc
import os
import signal
import sys
import time

STARTED = time.perf_counter()
"""When this process began its work: this is the first of the project's modules to be imported."""


def _leave(*_: object) -> None:
    # At once: an exception might be swallowed by whatever library is being loaded.
    os.write(sys.stderr.fileno(), b"interrupted; there was nothing to save\n")
    os._exit(130)


# Python says "-m" here only while it looks for an experiment to run. Loading the libraries takes a second, in which an
# interruption shall not end in a traceback; the loop has handlers of its own, which save.
if sys.argv[0] == "-m":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    # What is loaded stays: an eighth of that time would go into looking for garbage. `options.start` allows it again.
    gc.disable()
