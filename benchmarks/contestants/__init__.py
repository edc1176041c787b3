"""One small file a library; each is a process that waits for its turn."""
