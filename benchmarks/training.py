"""Training the English model, order 5, on all of the large English texts: time and memory of `searchgen lm build`."""

import tempfile
from pathlib import Path

from benchmarks.common import cli, options, shared


def main() -> None:
    """Measure, and print the table."""
    with options("training") as (flags, report):
        folder = shared("corpora", "en")
        if folder is None:
            return
        texts = [folder / "tatoeba.txt"] if flags.quick else [folder]
        with tempfile.TemporaryDirectory() as name:
            model = Path(name) / "model.sgm"
            run = cli("lm", "build", *map(str, texts), "-o", str(model), "--order", "5", "--lang", "en")
            size = model.stat().st_size
        read = sum(one.stat().st_size for text in texts for one in ([text] if text.is_file() else text.rglob("*.txt")))
        report.row("text", f"{read / 1e6:.1f} MB")
        report.row("time, clock", f"{run.wall:.1f} s", "< 60 s", run.wall < 60)
        report.row("  CPU of all processes", f"{run.cpu:.1f} s")
        report.row("memory, all processes", f"{run.whole_bytes / 1e9:.2f} GB", "< 4 GB", run.whole_bytes < 4e9)
        report.row("  its largest process", f"{run.largest_bytes / 1e9:.2f} GB")
        report.row("model", f"{size / 1e6:.1f} MB", "<= 13 MB", size <= 13e6)
        report.numbers |= {"seconds": run.wall, "bytes": run.whole_bytes}


if __name__ == "__main__":
    main()
