"""Models of GGUF files and of folders, converted once to an ONNX network in the cache folder and computed by onnxruntime."""
