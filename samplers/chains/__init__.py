"""Markov chains over texts: their moves, their state, which states are kept, and what scores them."""
