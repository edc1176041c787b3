"""The fast path on a GPU: the whole loop over time as one kernel (Pallas), or as XLA compiles it where that is faster."""
