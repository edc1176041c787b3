"""Floor 1: what is asked of the network. One task is one small file, which knows nothing of networks or training."""
