"""The fast path on the CPU: a kernel in C++ (`kernel.cc`), compiled once for the processor at hand."""
