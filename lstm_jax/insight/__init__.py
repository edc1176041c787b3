"""Floor 3: pictures of what the network does."""
