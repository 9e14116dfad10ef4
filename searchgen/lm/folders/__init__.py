"""Folders in Hugging Face format whose networks onnxruntime computes, converted as GGUF files are."""
