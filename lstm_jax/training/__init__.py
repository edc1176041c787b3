"""Floor 3: how the network learns and how it is judged. Pure functions of arrays; nothing here touches a file."""
