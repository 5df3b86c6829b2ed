"""The compiled engine: stretches of training in machine code, made from the records' own Python functions by Numba."""
