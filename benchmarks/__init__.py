"""Floor 7: the layer beside other libraries' (`peers`), and how its cost grows (`scaling`)."""
