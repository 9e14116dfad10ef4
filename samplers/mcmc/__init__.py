"""Samplers that are Markov chains."""
