"""Floor 1: what is asked of the network. One task is one small file; it knows nothing of networks, training or files."""
