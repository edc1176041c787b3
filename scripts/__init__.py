"""Floor 7: programs that run experiments and put together what comes out."""
