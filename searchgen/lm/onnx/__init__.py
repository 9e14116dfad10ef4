"""Transformers as ONNX graphs, run by onnxruntime without torch. onnxruntime is imported here only, and only once such a model is named."""
