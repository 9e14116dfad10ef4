"""`python -m searchgen`: the command line."""

from searchgen.cli.main import run

if __name__ == "__main__":
    run()
