"""Floor 7: the layer beside other libraries' (`peers`), how its cost grows (`scaling`),
sweeps (`sweep`), the tutorials' own programs (`tutorials`).
"""
