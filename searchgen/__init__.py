"""searchgen: texts that satisfy every hard constraint, sampled or searched under a language model."""

from searchgen.version import __version__

__all__ = ["__version__"]
