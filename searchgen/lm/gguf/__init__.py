"""Language models in GGUF files: their networks and tokenizers are read."""
