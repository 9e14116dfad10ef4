"""`searchgen lm export`: a transformer as one file that needs no torch."""

from pathlib import Path
from typing import Annotated

import typer

from searchgen.cli.output import complain, progress
from searchgen.errors import RequestError

__all__ = ["HELP", "SHORT", "export"]

SHORT = "Write a transformer as one ONNX file."

HELP = """Write a transformer that `lm train` made as one ONNX file.

--lm takes that file without the extra `neural`; only writing it needs the extra.

Weights have 8 bits each, and every row has a scale. Scores differ a little from those of the folder, and are computed faster.

Example: searchgen lm export my-lm/ --onnx -o my-lm.onnx
"""

Onnx = typer.Option("--onnx", help="The format to write; there is only this one.")
Output = typer.Option("--output", "-o", metavar="FILE", help="The file to write; by default model.onnx in the folder.")
Exact = typer.Option(
    "--float32", help="Keep 32 bits of each weight: the same scores as the folder, four times the size."
)


def export(
    model: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a transformer.")],
    onnx: Annotated[bool, Onnx] = False,
    output: Annotated[Path | None, Output] = None,
    float32: Annotated[bool, Exact] = False,
) -> None:
    """Write the file and say how large it is."""
    from searchgen.lm.neural.opening import require_extra

    if not onnx:
        raise RequestError("the format is missing; add --onnx")
    if not (model / "config.json").is_file():
        raise RequestError(f"{model} is not the folder of a transformer; train one with searchgen lm train")
    output = output or model / "model.onnx"
    if output.suffix != ".onnx" or not output.parent.is_dir():
        raise RequestError(f"{output}: name a file that ends in .onnx, in a folder that exists")
    require_extra("lm export", "onnx")
    from searchgen.lm.onnx.export import export as written

    with progress(f"writing {output.name}"):
        size = written(model, output, 32 if float32 else 8)
    complain(f"{output}: {size / 1e6:.1f} MB, {'32' if float32 else '8'} bits a weight")
