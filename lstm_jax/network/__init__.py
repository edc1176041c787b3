"""Floor 2: the network, from symbols to outputs: inputs, recurrent stack, readout."""
