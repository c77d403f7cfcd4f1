"""The native engine: compiled kernels over a network's arrays, on the processor. It is what serves."""
