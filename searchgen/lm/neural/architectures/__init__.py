"""The networks: ours in torch, and those of the transformers library."""
