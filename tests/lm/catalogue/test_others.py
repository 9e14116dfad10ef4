"""Models that Ollama and LM Studio have on this machine."""

import hashlib
import json
from pathlib import Path

import pytest

from searchgen.errors import ModelFileError, RequestError
from searchgen.lm.catalogue.lm_studio import found_files
from searchgen.lm.catalogue.model import OLLAMA, file_behind
from searchgen.lm.catalogue.ollama import found_models
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.open import model_type, open_text_model
from searchgen.request.model_ref import ModelRef
from tests.lm.catalogue.stand_in import Place, place  # noqa: F401 - a fixture

MODEL = "application/vnd.ollama.image.model"
LICENCE = {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64}


def pulled(folder: Path, manifest: str, content: bytes, **more: object) -> Path:
    """Put a model where Ollama puts it, and return its file."""
    digest = hashlib.sha256(content).hexdigest()
    blob, path = folder / "blobs" / f"sha256-{digest}", folder / "manifests" / manifest
    for one in (blob, path):
        one.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    layers = [LICENCE, {"mediaType": MODEL, "digest": f"sha256:{digest}", "size": len(content)}]
    path.write_text(json.dumps({"schemaVersion": 2, "layers": layers, **more}), encoding="utf-8")
    return blob


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        ("ollama:qwen2.5:0.5b", "registry.ollama.ai/library/qwen2.5/0.5b"),
        ("ollama:tiny", "registry.ollama.ai/library/tiny/latest"),
        ("ollama:someone/tiny:q8", "registry.ollama.ai/someone/tiny/q8"),
        ("ollama:hf.co/Some/Tiny-GGUF:Q8_0", "hf.co/Some/Tiny-GGUF/Q8_0"),
    ],
)
@pytest.mark.parametrize("where", ["variable", "home", "service"])
def test_names(name: str, manifest: str, where: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    folders = {"variable": "elsewhere", "home": "home/.ollama/models", "service": "service"}
    folder = place.folder / folders[where]
    if where == "variable":
        monkeypatch.setenv("OLLAMA_MODELS", str(folder))
    blob = pulled(folder, manifest, place.content)
    assert model_type(name) is OLLAMA
    assert file_behind(name) == blob
    (found,) = found_models()
    assert (found.path, found.size) == (blob, len(place.content))
    assert file_behind(found.name) == blob
    assert found.name == (name if ":" in name[7:] else f"{name}:latest")


def test_names_are_searched_as_their_files_are(place: Place) -> None:  # noqa: F811
    """Behind example lines, with few scores."""
    file = place.folder / "tiny.gguf"
    file.write_bytes(place.content)
    assert [ModelRef.parse(name).is_large for name in (str(file), "tiny", "ollama:tiny")] == [True] * 3


def test_a_model_of_ollama_is_that_of_its_file(place: Place) -> None:  # noqa: F811
    blob = pulled(place.folder / "home/.ollama/models", "registry.ollama.ai/library/tiny/1b", place.content)
    texts = ["The dog ran.", "A cat."]
    named, plain = open_text_model("ollama:tiny:1b"), open_text_model(str(blob))
    assert named.log_probs(texts).tolist() == plain.log_probs(texts).tolist()
    assert (named.hash, named.label.partition("@")[0]) == (plain.hash, "ollama:tiny:1b")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ollama:", "is no name of Ollama's"),
        ("ollama:../../secret", "is no name of Ollama's"),
        ("ollama:a/b/c/d", "is no name of Ollama's"),
        ("ollama:tiny:..", "is no name of Ollama's"),
        ("ollama:other", r"Ollama has no such model in .*ollama:tiny:latest.*ollama pull other"),
    ],
)
def test_names_that_are_none(name: str, said: str, place: Place) -> None:  # noqa: F811
    pulled(place.folder / "home/.ollama/models", "registry.ollama.ai/library/tiny/latest", place.content)
    with pytest.raises(RequestError, match=said):
        open_text_model(name, NeuralSettings())


def test_no_ollama(place: Place) -> None:  # noqa: F811
    assert found_models() == []
    with pytest.raises(RequestError, match="nothing is there"):
        file_behind("ollama:tiny")


@pytest.mark.parametrize(
    ("layers", "error", "said"),
    [
        ("[]", RequestError, "is not made of one GGUF file"),
        (f'[{{"mediaType": "{MODEL}", "digest": "sha256:../../x"}}]', ModelFileError, "it names no file"),
        (f'[{{"mediaType": "{MODEL}", "digest": "sha256:{"a" * 64}"}}]', ModelFileError, "is missing"),
        (
            f'[{{"mediaType": "{MODEL}"}}, {{"mediaType": "application/vnd.ollama.image.adapter"}}]',
            RequestError,
            "is not made of one GGUF file",
        ),
        ("[1]", ModelFileError, "cannot be read"),
        ("{", ModelFileError, "cannot be read"),
        ("7", ModelFileError, "cannot be read"),
    ],
)
def test_bad_manifests(layers: str, error: type, said: str, place: Place) -> None:  # noqa: F811
    pulled(place.folder / "service", "registry.ollama.ai/library/tiny/latest", place.content)
    manifest = place.folder / "service/manifests/registry.ollama.ai/library/tiny/latest"
    manifest.write_text(f'{{"layers": {layers}}}', encoding="utf-8")
    with pytest.raises(error, match=said) as raised:
        file_behind("ollama:tiny")
    assert "\n" not in str(raised.value)
    assert found_models() == []  # what cannot be taken is not shown


def test_files_of_lm_studio(place: Place) -> None:  # noqa: F811
    assert found_files() == []
    home = place.folder / "home"
    models = home / ".lmstudio" / "models" / "someone" / "tiny-GGUF"
    models.mkdir(parents=True)
    for name in ("tiny.gguf", "mmproj-tiny.gguf"):
        (models / name).write_bytes(place.content)
    (models / "other.gguf").write_bytes(b"no model")
    assert found_files() == [models / "tiny.gguf"]
    (home / ".lmstudio-home-pointer").write_text(str(place.folder / "moved") + "\n")
    moved = place.folder / "moved" / "models" / "a" / "b"
    moved.mkdir(parents=True)
    (moved / "c.gguf").write_bytes(place.content)
    assert found_files() == [moved / "c.gguf"]
