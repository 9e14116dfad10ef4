"""What can be converted: a network's sizes and weights, and the rest of what its file or folder holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchgen.lm.decoder.shape import Shape

__all__ = ["Rest", "Source", "Weights"]

#: Gives a tensor by its name in GGUF files and its shape.
Weights = Callable[[str, tuple[int, ...]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Rest:
    """What is kept of a model beside its network.

    Attributes:
        texts: the contents of further files, by name.
        facts: what is known of the model, by name.
    """

    texts: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Source:
    """A model that can be converted.

    Attributes:
        path: of its file or folder.
        shape: the sizes of its network.
        weights: gives a tensor by its name in GGUF files and its shape.
        read_rest: checks the model once more as a whole, and returns the rest; raises `RequestError`.
    """

    path: Path
    shape: Shape
    weights: Weights
    read_rest: Callable[[], Rest]
