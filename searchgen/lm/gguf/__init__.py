"""Language models in GGUF files, computed by onnxruntime: read, converted once, kept in the cache folder."""
