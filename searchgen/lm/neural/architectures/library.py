"""Any causal network of the transformers library: its trunk and its head apart, where apart they are the whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from searchgen.errors import ModelFileError
from searchgen.lm.neural.architectures.library_reader import library_reader
from searchgen.lm.neural.batches import MOST_POSITIONS, free_bytes, is_memory, positions_for
from searchgen.lm.neural.network import Network

__all__ = ["library_network", "loaded"]

#: How far the head on the trunk may be from the whole network, of its largest score.
APART = 1e-2


def library_network(folder: Path, config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> Network:
    """Load a network; code that comes with it is refused, pickled weights are read as weights only.

    Raises:
        ModelFileError: it cannot be loaded; the message gives the library's first line.
    """
    model = loaded(AutoModelForCausalLM, folder, dtype).to(device).eval()
    text = getattr(model.config, "text_config", model.config)
    width, vocabulary = int(text.hidden_size), int(text.vocab_size)
    positions = positions_for(free_bytes(device), width, vocabulary, MOST_POSITIONS[device.type])
    context = int(getattr(text, "max_position_embeddings", 0) or 0)
    trunk, head, apart = _parts(model, vocabulary)
    network, name = (model.base_model, 0) if apart else (model, "logits")
    trial = library_reader(network, lambda output: output[name], trunk, context)
    return Network(trunk, head, device, context, positions, trial.reader, trial.reason)


def loaded(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Load a model of a kind of the library; code that comes with it is refused, pickled weights are read as weights only.

    Raises:
        ModelFileError: it cannot be loaded; the message gives the library's first line.
    """
    try:
        with _silent():
            return kind.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, weights_only=True, dtype=dtype
            )
    except Exception as error:
        if is_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(
            f"{folder} cannot be loaded ({reason}); code that comes with a model is never run"
        ) from None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the library's progress bars and warnings off stderr, where a command says what it has to say."""
    notices: Any = logging  # without types
    bars, verbosity = notices.is_progress_bar_enabled(), notices.get_verbosity()
    notices.disable_progress_bar()
    notices.set_verbosity_error()
    try:
        yield
    finally:
        notices.set_verbosity(verbosity)
        if bars:
            notices.enable_progress_bar()


def _parts(model: Any, vocabulary: int) -> tuple[Any, Any, bool]:
    """Return trunk, head and True; if a network does more between them (a cap, a scale), the whole, the identity and False."""
    base, head = model.base_model, model.get_output_embeddings()

    def trunk(pieces: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = base(input_ids=pieces, use_cache=False)[0]
        return hidden

    def whole(pieces: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = model(input_ids=pieces, use_cache=False).logits
        return scores

    trial = torch.arange(1, 6, device=model.device)[None, :] % vocabulary
    with torch.inference_mode():
        expected = whole(trial).float()
        if head is not None and base is not model:
            scores = head(trunk(trial)).float()
            if scores.shape == expected.shape and (scores - expected).abs().max() <= APART * expected.abs().max():
                return trunk, head, True
    return whole, torch.nn.Identity(), False
