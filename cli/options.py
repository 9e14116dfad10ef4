"""Options that several commands share, written once; the flags of constraints are those of `CONSTRAINTS`."""

import typer

from searchgen.cli.numbers import decimal, whole
from searchgen.cli.output import hush

__all__ = [
    "Again",
    "Beta",
    "Budget",
    "Count",
    "Device",
    "Dtype",
    "End",
    "Examples",
    "Json",
    "LawModel",
    "Model",
    "Prompt",
    "Quiet",
    "Raw",
    "Seed",
    "Share",
    "Spec",
    "Verbose",
]

Beta = typer.Option("--beta", metavar="B", parser=decimal, help="Power of the model's probability.")
MODELS = (
    "en, zh, en-ngram, zh-ngram, an n-gram or ARPA file, or a transformer: a name of searchgen lm list, FILE.gguf, ollama:NAME, "
    "a folder, FILE.onnx, NAME@REVISION of the hub or http://SERVER/v1#NAME; A:0.5,B:0.5 mixes;"
)
Model = typer.Option(
    "--lm", metavar="MODEL", help=f"{MODELS} by default en or zh, by the words, or what lm use settled."
)
LawModel = typer.Option("--lm", metavar="MODEL", help=f"{MODELS} by default en-ngram or zh-ngram, by the words.")
End = typer.Option("--end", metavar="END", help="What ends a text under a transformer: eos, newline or none.")
Prompt = typer.Option(
    "--prompt", metavar="TEXT", help="Text that conditions a transformer; it is not part of the result."
)
Examples = typer.Option(
    "--examples",
    metavar="FILE",
    help="Lines in whose manner a transformer writes: default, none, FILE or FILE:N. constrain has the default lines under GGUF models.",
)
Device = typer.Option("--device", metavar="DEVICE", help="Where a transformer is computed: auto, cpu, cuda or cuda:N.")
Dtype = typer.Option("--dtype", metavar="DTYPE", help="Its numbers: auto, float32, bfloat16 or float16.")
Share = typer.Option(
    "--share",
    metavar="N",
    parser=whole,
    help="Keyword sets that go through a transformer together: faster, and repeatable in law only; results say so.",
)
Raw = typer.Option("--raw-tokens", help="The model's tokens are read and printed as they stand, between single spaces.")
Budget = typer.Option(
    "--budget", metavar="SECONDS", parser=decimal, help="Work for each set, turned into steps by a fixed rate."
)
Seed = typer.Option(
    "--seed", metavar="N", parser=whole, help="Makes the result repeatable; fresh by default, shown in JSON."
)
Again = typer.Option("--again", metavar="SIGNATURE", help="Repeat the result that has this signature, bit for bit.")
Count = typer.Option("-n", metavar="N", parser=whole, help="How many texts, each unlike the others.")
Json = typer.Option("--json", help="One JSON object a line.")
Quiet = typer.Option(
    "--quiet", "-q", callback=hush, help="No notes and no progress on stderr; errors are told all the same."
)
Verbose = typer.Option("--verbose", "-v", help="Show on stderr what was asked and done.")
Spec = typer.Option(
    "--spec", metavar="FILE", help="A target in TOML; flags win over it (searchgen init prints an example)."
)
