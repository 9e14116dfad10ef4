"""Benchmarks: `python -m benchmarks.NAME [--quick] [--json FILE]`. Ratios are taken within one run. None is a test."""
