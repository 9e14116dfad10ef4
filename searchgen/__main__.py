"""The command line, as the command `searchgen` and as `python -m searchgen`: signals are answered before anything else is imported."""

from searchgen.cli.signals import end_at_once

__all__ = ["run"]


def run() -> None:
    """Run the command line and exit."""
    end_at_once()
    from searchgen.cli.main import run as run_command

    run_command()


if __name__ == "__main__":
    run()
