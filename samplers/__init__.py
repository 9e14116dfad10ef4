"""How to get a text from a target: the moves, the chains, and one file a method."""
