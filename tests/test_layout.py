"""The repository's own rules: what stands where, who imports whom, how long things are."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from searchgen.kernels.compiled import KERNEL_FILES
from tests.layout import FOLDERS, LAYERS, Module, layer_of, modules, room_of, tracked
from tests.places import ROOT

LINK, REGULAR = "120000", ("100644", "100755")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

#: Most files of one folder.
MOST_FILES = 16

#: What stands above all rooms: it says where things are.
UNPLACED = ["samplers/__init__.py", "searchgen/__init__.py", "searchgen/__main__.py"]
DECORATORS = (
    *(f"searchgen.kernels.compiled.{name}" for name in ("kernel", "inner", "inlined")),
    "numba.extending.intrinsic",
    "numba.extending.overload",
)

every_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# Folders


def test_links_stand_only_in_searchgen() -> None:
    links = {path for path, mode in tracked().items() if mode == LINK}
    assert links == {"searchgen/samplers", "searchgen/cli"}
    assert {Path(ROOT / link).readlink().as_posix() for link in links} == {"../samplers", "../cli"}


@pytest.mark.parametrize("folder", ["samplers", "cli"])
def test_git_stores_regular_files_under(folder: str) -> None:
    modes = [mode for path, mode in tracked().items() if path.startswith(f"{folder}/")]
    assert modes
    assert set(modes) <= set(REGULAR)


def test_packages_list_matches_the_folders() -> None:
    folders = {module.name for module in modules() if module.path.endswith("/__init__.py")}
    assert sorted(settings()["tool"]["setuptools"]["packages"]) == sorted(folders)


def test_every_module_is_in_a_package() -> None:
    packages = {Path(module.path).parent for module in modules() if module.path.endswith("/__init__.py")}
    assert {Path(module.path).parent for module in modules()} == packages


@pytest.mark.parametrize("library", ["numba", "transformers"])
def test_libraries_whose_insides_are_used_have_an_upper_bound(library: str) -> None:
    project = settings()["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["neural"]]
    (bounds,) = (found for one in wanted if (found := re.fullmatch(rf"{library}>=([\d.]+),<([\d.]+)", one)))
    lowest, beyond, installed = (
        tuple(map(int, each.split(".")[:2])) for each in (*bounds.groups(), importlib.metadata.version(library))
    )
    assert lowest <= installed < beyond


# Imports


def only(names: tuple[str, ...], allowed: Any) -> list[str]:
    """Return who imports one of the names without being allowed to."""
    return [
        f"{module.path}: {found}"
        for module in modules()
        if (found := module.imports_any(*names)) and not allowed(module)
    ]


def kernel_file(module: Module) -> str:
    """Return a module's place in the package, as KERNEL_FILES writes it."""
    return module.path.removeprefix("searchgen/")


def test_numba_only_where_loops_are_compiled() -> None:
    assert not only(
        ("numba", "llvmlite"),
        lambda module: (
            kernel_file(module)
            in (
                *KERNEL_FILES,
                *(f"kernels/{name}.py" for name in ("compiled", "compiled_parts", "kept_code", "processor")),
            )
        ),
    )


def test_neural_libraries_only_in_their_package() -> None:
    assert not only(
        ("torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"),
        lambda module: module.path.startswith(
            (
                "searchgen/lm/neural/",
                "searchgen/lm/training/",
                "searchgen/lm/onnx/export",
                "searchgen/lm/gguf/",
                "searchgen/lm/conversion/",
                "searchgen/meaning/encoder",
            )
        ),
    )
    assert not only(
        ("onnxruntime", "onnx"),
        lambda module: module.path.startswith(
            ("searchgen/lm/onnx/", "searchgen/lm/conversion/", "searchgen/meaning/encoder")
        ),
    )
    assert not only(("gguf",), lambda module: module.path.startswith("searchgen/lm/gguf/"))


def test_ray_only_where_it_hands_out_tasks() -> None:
    assert not only(("ray",), lambda module: module.path == "searchgen/batch/ray_pool.py")


def test_terminal_libraries_only_in_cli() -> None:
    assert not only(("typer", "rich", "click"), lambda module: module.path.startswith("cli/"))


def test_libraries_of_pages_only_where_pages_are_made() -> None:
    assert not only(("jinja2", "markupsafe"), lambda module: module.path.startswith("searchgen/report/"))
    assert not only(("leather",), lambda module: module.path.startswith("searchgen/markup/"))


def test_models_and_constraints_do_not_know_each_other() -> None:
    assert not only(("searchgen.constraints",), lambda module: not module.name.startswith("searchgen.lm"))
    assert not only(("searchgen.lm",), lambda module: not module.name.startswith("searchgen.constraints"))


@pytest.mark.parametrize(
    ("room", "others"),
    [("decoder", ("gguf", "folders", "conversion")), ("gguf", ("folders", "conversion")), ("folders", ("gguf", "conversion"))],
)  # fmt: skip
def test_what_is_converted_does_not_know_its_conversion(room: str, others: tuple[str, ...]) -> None:
    names = tuple(f"searchgen.lm.{other}" for other in others)
    assert not only(names, lambda module: not module.path.startswith(f"searchgen/lm/{room}/"))


def test_every_module_has_a_room() -> None:
    assert sorted(module.path for module in modules() if layer_of(module.path) < 0) == UNPLACED


def climbing(module: Module) -> list[str]:
    """Return what a module imports of a higher layer, or of another room of its own."""
    known = {other.name: other.path for other in modules()}
    own, room = layer_of(module.path), room_of(module.path)
    paths = {known[name] for name in module.imports() if name in known}
    return [path for path in sorted(paths) if layer_of(path) > own or (layer_of(path) == own and room_of(path) != room)]


@every_module
def test_imports_run_one_way(module: Module) -> None:
    """Down the list of layers, imports inside functions and those for types alone included."""
    assert layer_of(module.path) < 0 or not climbing(module)
    assert not module.imports_any("samplers", "cli")


def test_no_two_modules_import_each_other() -> None:
    """Nor do more of them, in a circle."""
    names = {module.name for module in modules()}
    below = {module.name: {name for name in module.imports() if name in names} - {module.name} for module in modules()}
    while leaves := [name for name, imported in below.items() if not imported & below.keys()]:
        for name in leaves:
            del below[name]
    assert sorted(below) == []


def test_the_layers_are_those_of_the_documents() -> None:
    """The picture in docs/architecture.md is the list: highest first, the rooms of a layer on one line."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = page.split("## Layers")[1].split("```")[1]
    shown = [tuple(line.split("  ")[0].split(", ")) for line in block.strip().splitlines()]
    assert shown == [tuple(room.replace(".", "/") for room in layer) for layer in reversed(LAYERS)]


@pytest.mark.parametrize("folder", sorted({str(Path(module.path).parent) for module in modules()}))
def test_floors_are_not_crowded(folder: str) -> None:
    files = [module.path for module in modules() if str(Path(module.path).parent) == folder]
    assert len([path for path in files if not path.endswith("/__init__.py")]) <= MOST_FILES


def test_no_hidden_randomness() -> None:
    assert not only(("random", "numpy.random"), lambda _module: False)
    assert not [
        f"{module.path}: {name}"
        for module in modules()
        for name in module.attributes()
        if name.startswith(("np.random", "numpy.random"))
    ]


def test_kernel_files_are_those_with_compiled_loops() -> None:
    users = {kernel_file(module) for module in modules() if module.imports_any(*DECORATORS)}
    assert users == set(KERNEL_FILES)


HEAVY = ("numpy", "numba", "llvmlite", "torch", "transformers", "jinja2", "leather", "rich")
#: What a search under `en` has no use for: other kinds of models, and vectors of meaning.
UNUSED = (
    *("torch", "transformers", "tokenizers", "onnx", "jinja2", "leather"),
    *(f"searchgen.lm.{room}" for room in ("catalogue", "conversion", "decoder", "folders", "gguf", "server")),
    "searchgen.meaning.vectors",
)
LOADED = """
import sys
from searchgen.cli.main import run
sys.argv = ["searchgen", *{arguments!r}]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sorted({unwanted!r} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "unwanted", "printed"),
    [
        (("--help",), HEAVY, "constrain"),
        (("constrain", "--keywords", "dog", "--seed", "1"), UNUSED, "dog"),
    ],
)
def test_a_command_loads_nothing_that_it_does_not_use(
    arguments: tuple[str, ...], unwanted: tuple[str, ...], printed: str
) -> None:
    script = LOADED.format(arguments=arguments, unwanted=set(unwanted))
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "loaded:"
    assert printed in ran.stdout


# Size and words


@every_module
def test_files_and_functions_stay_short(module: Module) -> None:
    assert module.lines <= LONGEST_FILE
    assert not [function for function in module.functions() if function.lines > LONGEST_FUNCTION]


@every_module
def test_public_names_have_docstrings(module: Module) -> None:
    assert not module.undocumented()


# Corpora: counts as their README gives them


@pytest.mark.parametrize("name", ["everyday-en.txt", "everyday-zh.txt"])
def test_corpora_hold_distinct_sentences(name: str) -> None:
    lines = (ROOT / "corpora" / name).read_text(encoding="utf-8").splitlines()
    assert [line for line, times in Counter(lines).items() if times > 1] == []
    assert all(line and line == line.strip() and line[-1] in ".?!。？！" for line in lines)
    readme = (ROOT / "corpora" / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if f"`{name}`" in line)
    assert f"{len(lines)} sentences" in row


def test_the_two_readme_commands_are_the_ones_that_are_run() -> None:
    commands = (
        'pip install . && searchgen constrain --keywords "dog,park,ball"',
        'pip install -e ".[dev]" -c constraints-cpu.txt && pytest',
    )
    readme, script = (Path(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", ".ci/run"))
    assert all(command in readme and command in script for command in commands)


def test_top_folders_are_mapped() -> None:
    mapping = settings()["tool"]["setuptools"]["package-dir"]
    assert {folder: package for package, folder in mapping.items()} == FOLDERS
