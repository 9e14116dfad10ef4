"""The models of `identity`: small random transformers of several architectures, and a server of a known law.

Transformers are written by their own library, others by commands, so that nothing of searchgen is imported.
"""

import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["build_models", "server"]

CORPORA = Path(__file__).resolve().parents[1] / "corpora"

#: Signatures hold a server's address, so its port is always the same.
PORT = 18431

#: Architectures (up to a space) with sizes; all with weights far from uniform.
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
WIDE = {**SIZES, "max_position_embeddings": 256, "initializer_range": 0.6}
CAUSAL: dict[str, dict[str, Any]] = {
    "gpt2": {"n_positions": 256, "n_embd": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6},
    "llama": {**WIDE, "num_key_value_heads": 1},
    "gpt_neox": WIDE,
    "opt": {**WIDE, "ffn_dim": 32, "word_embed_proj_dim": 16, "init_std": 0.6, "pad_token_id": 1},
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6},
    "mamba": {"hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
}
PLAIN = {**WIDE, "hidden_size": 48, "num_attention_heads": 4, "initializer_range": 0.3, "tie_word_embeddings": True}
MARKS = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "[UNK]"}
WORDS = ["the", "doctor", "read", "letter", "dog", "park", "a", "old", "house", "wrote", "took", "ball", "book"]

#: What no piece of the plain model's tokenizer reaches across; `lm export` takes no other tokenizer than such a one.
ALONE = "\x00-\x1f!-@\\[-`{-\xbf\u2000-\u2bff\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0003ffff"
PATTERN = f" ?[^ {ALONE}]+(?:'[^ {ALONE}]+)*| ?[{ALONE}]| +"


def build_models(folder: Path, made: Sequence[str], environment: Mapping[str, str]) -> None:
    """Make small random models, always the same ones, unless the folder holds them all.

    Args:
        folder: of the models.
        made: commands that make more models there; `CORPORA` is the folder of texts.
        environment: of the commands.
    """
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for kind, sizes in CAUSAL.items():
        _causal(folder / kind, kind, _bytes(), "<end>", sizes)
    _causal(folder / "letters", "gpt2", _letters(), "<end>", CAUSAL["gpt2"])
    _causal(folder / "plain", "llama", _trained(), "</s>", PLAIN)
    for seed, name in enumerate(("masked", "masked-other")):
        _masked(folder / name, seed)
    for line in made:
        words = shlex.split(line.replace("CORPORA", str(CORPORA)))
        command = [sys.executable, "-P", "-m", "searchgen", *words]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)
    (folder / "complete").write_text("", encoding="utf-8")


def _bytes() -> Any:
    """Return a tokenizer whose pieces are bytes, so that it spells everything."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    signs = ["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE({sign: i for i, sign in enumerate(signs)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def _letters() -> Any:
    """Return a tokenizer that knows the words a, b and c only."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"<end>": 0, "a": 1, "b": 2, "c": 3}))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return made


def _trained() -> Any:
    """Return a tokenizer of the kind that `lm train` makes."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    texts = [(CORPORA / f"everyday-{lang}.txt").read_text(encoding="utf-8").splitlines() for lang in ("en", "zh")]
    made = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PATTERN), "isolated"), byte_level])
    made.decoder = decoders.ByteLevel()
    special = {"special_tokens": ["<s>", "</s>"], "initial_alphabet": alphabet, "show_progress": False}
    made.train_from_iterator([*texts[0], *texts[1]], trainers.BpeTrainer(vocab_size=700, min_frequency=2, **special))
    return made


def _causal(folder: Path, kind: str, tokenizer: Any, end: str, sizes: Mapping[str, Any]) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    begin = "<s>" if end == "</s>" else end
    ids = {"bos_token_id": tokenizer.token_to_id(begin), "eos_token_id": tokenizer.token_to_id(end)}
    config = AutoConfig.for_model(kind, vocab_size=tokenizer.get_vocab_size(), **ids, **sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    _tokenizer(folder, tokenizer, {"bos_token": begin, "eos_token": end})


def _masked(folder: Path, seed: int) -> None:
    """Write a masked model of lower-cased English: `WORDS` are one piece, others are spelled letter by letter."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM

    letters = "abcdefghijklmnopqrstuvwxyz'"
    pieces = dict.fromkeys([*MARKS.values(), *letters, *(f"##{one}" for one in letters), *".,?!", *WORDS])
    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    torch.manual_seed(seed)
    sizes = {**SIZES, "max_position_embeddings": 64, "initializer_range": 0.6}
    BertForMaskedLM(BertConfig(vocab_size=made.get_vocab_size(), **sizes)).save_pretrained(folder)
    _tokenizer(folder, made, MARKS)


def _tokenizer(folder: Path, tokenizer: Any, roles: Mapping[str, str]) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")


@contextmanager
def server() -> Iterator[None]:
    """Serve a completions API whose tokens are characters, each with an independent probability."""
    try:
        running = ThreadingHTTPServer(("127.0.0.1", PORT), _Answers)
    except OSError as error:
        raise SystemExit(
            f"port {PORT} cannot be had ({error.strerror}); signatures hold it, so no other will do"
        ) from None
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        prompts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        content = json.dumps({"choices": [self.choice(i, prompt + "!") for i, prompt in enumerate(prompts)]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def choice(self, index: int, signs: str) -> dict[str, Any]:
        scores = [None, *(-(ord(sign) % 7 + 1) / 3 for sign in signs[1:])]
        told = {"tokens": list(signs), "token_logprobs": scores, "text_offset": list(range(len(signs)))}
        return {"index": index, "logprobs": told}
