"""Reads the project's own sources: files, imports, lengths. Nothing here imports what it reads."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from tests.places import ROOT

__all__ = ["FOLDERS", "LAYERS", "Function", "Module", "layer_of", "modules", "room_of", "tracked"]

#: The package's top folders and the names they are installed under.
FOLDERS = {"searchgen": "searchgen", "samplers": "searchgen.samplers", "cli": "searchgen.cli"}

#: The layers of the house, lowest first, each with its rooms: modules and packages within `searchgen`. A module imports its own room
#: and lower layers; rooms of one layer do not know each other.
LAYERS = (
    ("errors", "version", "plain_json"),
    ("markup",),
    ("files",),
    ("kernels",),
    ("automata",),
    ("text",),
    ("meaning",),
    ("vocabulary",),
    ("lm",),
    ("problem", "record", "black_box_terms"),
    ("constraints",),
    ("demands",),
    ("request",),
    ("guide",),
    ("token_table",),
    ("target",),
    ("samplers.chains",),
    ("samplers.proofs",),
    ("samplers.method",),
    ("samplers.edit_levels",),
    ("samplers.diagnostics", "samplers.kept_states", "samplers.registry"),
    ("samplers.chain_method",),
    ("samplers.mcmc", "samplers.rejection", "samplers.optimise"),
    ("samplers.weighted",),
    ("batch", "sources"),
    ("ranking",),
    ("search",),
    ("rewriting",),
    ("jobs",),
    ("report",),
    ("api",),
    ("testing",),
    ("cli",),
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Function(NamedTuple):
    """A function or method, and the lines it takes without its docstring."""

    name: str
    lines: int


class Module(NamedTuple):
    """One source file of the package."""

    path: str  # relative to the repository
    name: str  # as it is imported
    lines: int
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Yield every imported name, dotted and absolute: both `a.b` and `a.b.c` for `from a.b import c`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: relative import"
                assert node.module is not None
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def imports_any(self, *names: str) -> list[str]:
        """Return what it imports of these modules or of anything inside them."""
        return sorted(
            {one for one in self.imports() if any(one == name or one.startswith(f"{name}.") for name in names)}
        )

    def attributes(self) -> Iterator[str]:
        """Yield every dotted expression such as `np.random.default_rng`."""
        yield from (ast.unparse(node) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute))

    def functions(self) -> Iterator[Function]:
        """Yield every function, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield Function(node.name, node.end_lineno - node.lineno + 1 - _docstring_lines(node))

    def undocumented(self) -> list[str]:
        """Return the public functions, classes and methods that have no docstring, and the module if it has none."""
        bare = [] if ast.get_docstring(self.tree) else [self.path]
        return bare + [
            f"{self.path}:{node.lineno} {node.name}" for node in _public(self.tree) if not ast.get_docstring(node)
        ]


def _docstring_lines(node: Definition) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    assert first.end_lineno is not None
    return first.end_lineno - first.lineno + 1


def _public(parent: ast.Module | Definition) -> Iterator[Definition]:
    for node in parent.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def room_of(path: str) -> str:
    """Return the room of a source file, "" for the two at the top that only say where things are.

    Example:
        >>> room_of("samplers/mcmc/gibbs/draws.py"), room_of("searchgen/target.py"), room_of("searchgen/__init__.py")
        ('samplers.mcmc', 'target', '')
    """
    inside = path.removeprefix("searchgen/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    rooms = [room for layer in LAYERS for room in layer if inside == room or inside.startswith(f"{room}.")]
    return max(rooms, key=len, default="")


def layer_of(path: str) -> int:
    """Return the number of a source file's layer, the lowest being 0; -1 for what belongs to none.

    Example:
        >>> layer_of("searchgen/errors.py"), layer_of("cli/main.py") == len(LAYERS) - 1
        (0, True)
    """
    room = room_of(path)
    return next((i for i, layer in enumerate(LAYERS) if room in layer), -1)


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the package, each once: links are not followed."""
    found = []
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder)
            linked = any((ROOT / folder / part).is_symlink() for part in inside.parents)
            if linked or "__pycache__" in inside.parts:
                continue
            name = ".".join((package, *inside.with_suffix("").parts)).removesuffix(".__init__")
            source = path.read_text(encoding="utf-8")
            found.append(Module(path.relative_to(ROOT).as_posix(), name, len(source.splitlines()), ast.parse(source)))
    return tuple(found)


@cache
def tracked() -> dict[str, str]:
    """Return the files git knows, with their modes, or skip outside a clone."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    listed = subprocess.run(
        ["git", "ls-files", "-s", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    entries = (line.split("\t", 1) for line in listed.split("\0") if line)
    return {path: facts.split()[0] for facts, path in entries}
