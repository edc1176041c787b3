"""The one legend of axes, used in every docstring of this library.

    B  batch      sequences that are processed together
    T  time       time steps of a sequence, symbols of a string
    D  features   numbers that describe one time step
    H  hidden     units of a recurrent layer
    G  gates      blocks of H columns in a weight matrix (LSTM 4: i, f, g, o; GRU 3: r, z, n; Elman 1)
    C  classes    numbers that the readout gives for one answer
    A  alphabet   different symbols
    N  strings    rows of a data set
    S  members    independent runs (seeds) that one program trains as a population

A shape is written as a list, batch first: `inputs [B, T, D]`. A leading `...` stands for any number of axes.
"""

from typing import Any

import jax
import numpy as np

type Array = jax.Array | np.ndarray
type PyTree = Any
