"""Random decoders of a few thousand weights, written as folders in Hugging Face format; bytes are their pieces."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from searchgen.lm.neural import opening
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.neural.transformer import open_transformer
from tests.lm.gguf.tiny_gguf import BYTES, END, KINDS, network, torch

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # isort: skip
from transformers import AutoModelForCausalLM  # isort: skip

__all__ = ["SERVED", "by_torch", "change", "configure", "written"]

#: Kinds of `tiny_gguf` that are computed without torch; the others stay with it.
SERVED = [kind for kind in KINDS if "gemma" not in kind]

Weights = dict[str, Any]


def written(folder: Path, kind: str = "llama", dtype: Any = torch.float32, seed: int = 0) -> tuple[Path, Any]:
    """Write a folder; return it and the network of the transformers library in 32 bits, with the numbers that were written."""
    network(kind, seed=seed).to(dtype).save_pretrained(folder)
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(BYTES)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"bos_token": END, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")
    read: Any = AutoModelForCausalLM.from_pretrained
    return folder, read(folder, dtype=torch.float32).eval()


def configure(folder: Path, **changes: object) -> None:
    """Change settings of config.json; None drops one."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}), encoding="utf-8")


def change(folder: Path, changed: Callable[[Weights], Weights]) -> None:
    """Write other weights."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file({name: weight.clone() for name, weight in changed(load_file(path)).items()}, path, {"format": "pt"})


def by_torch(folder: Path, monkeypatch: Any, settings: NeuralSettings | None = None) -> Any:
    """Open a folder as it was opened before there was another way."""
    with monkeypatch.context() as patched:
        patched.setattr(opening, "is_served", lambda *_: False)
        return open_transformer(str(folder), settings)
