"""Tests of folders in Hugging Face format that onnxruntime computes."""
