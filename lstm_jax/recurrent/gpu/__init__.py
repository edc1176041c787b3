"""The fast path on a GPU: the loop over time as one kernel (Pallas), or as XLA compiles it where that is faster."""
