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
    "Trace",
    "TraceAll",
    "Verbose",
    "Watch",
]

Beta = typer.Option("--beta", metavar="B", parser=decimal, help="Power to which the model's probability is raised.")
MODELS = (
    "Model: en, zh, en-ngram or zh-ngram; an n-gram or ARPA file; a transformer; or a mixture A:0.5,B:0.5. "
    "A transformer is a name of searchgen lm list, ollama:NAME, FILE.gguf, FILE.onnx, a folder, NAME@REVISION on the hub, "
    "or http://SERVER/v1#NAME."
)
Model = typer.Option(
    "--lm",
    metavar="MODEL",
    help=f"{MODELS} Default: the model of searchgen lm use, else en or zh, by the language of the words.",
)
LawModel = typer.Option(
    "--lm", metavar="MODEL", help=f"{MODELS} Default: en-ngram or zh-ngram, by the language of the words."
)
End = typer.Option("--end", metavar="END", help="End of a text under a transformer: eos, newline or none.")
Prompt = typer.Option(
    "--prompt", metavar="TEXT", help="Text that a transformer reads before the result; it is not printed."
)
Device = typer.Option("--device", metavar="DEVICE", help="Device of a transformer: auto, cpu, cuda or cuda:N.")
Dtype = typer.Option(
    "--dtype", metavar="DTYPE", help="Number format of a transformer: auto, float32, bfloat16 or float16."
)
Examples = typer.Option(
    "--examples",
    metavar="FILE",
    help="Lines for a transformer, whose style it follows: default, none, FILE or FILE:N. constrain uses default under open models.",
)
Share = typer.Option(
    "--share",
    metavar="N",
    parser=whole,
    help="Score N keyword sets in one batch. Faster, but results are reproducible in distribution only, not bit for bit.",
)
Raw = typer.Option("--raw-tokens", help="Read and print the model's tokens as they are, separated by single spaces.")
Budget = typer.Option(
    "--budget",
    metavar="SECONDS",
    parser=decimal,
    help="Search time per set, in seconds of a reference machine; converted to a fixed number of steps.",
)
Seed = typer.Option(
    "--seed",
    metavar="N",
    parser=whole,
    help="Seed that makes the result repeatable. By default it is random; JSON shows it.",
)
Again = typer.Option("--again", metavar="SIGNATURE", help="Repeat the result with this signature, bit for bit.")
Count = typer.Option("-n", metavar="N", parser=whole, help="Number of texts, all different from each other.")
Json = typer.Option("--json", help="Print one JSON object per line.")
Cloze = typer.Option("--cloze", help="Print a gap for each demanded word, a tab, and the words in their order.")
Quiet = typer.Option("--quiet", "-q", callback=hush, help="Hide notes and progress on stderr; errors are still shown.")
Verbose = typer.Option("--verbose", "-v", help="Show the request and the work done on stderr.")
Watch = typer.Option("--watch", help="Show the run live on a terminal: the best texts, temperature and acceptance.")
Trace = typer.Option(
    "--trace",
    metavar="FILE",
    help="Write the accepted moves, each with its change of log-density, to this file, as JSON lines.",
)
TraceAll = typer.Option("--trace-all", help="With --trace: write all proposed moves.")
Spec = typer.Option(
    "--spec", metavar="FILE", help="Spec file in TOML; flags override it. searchgen init prints an example."
)
