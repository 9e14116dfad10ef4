"""Enumerated proofs: every branch of a compiled sampler played on worlds small enough to sum over."""
