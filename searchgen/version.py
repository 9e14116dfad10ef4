"""The version, in the one place that packaging and signatures read."""

__all__ = ["__version__"]

__version__ = "0.2.0.dev0"
