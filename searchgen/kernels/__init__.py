"""Compiled loops: how they are compiled and kept, and the one source of randomness that they draw from."""
