"""Floor 4: what is kept of a run. The only code that touches the disk, and the only loop on the host."""
