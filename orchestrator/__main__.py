"""The `wirelab` command, also as `python -m orchestrator`."""

import sys


def main() -> None:
    """Run the command line and exit. Ctrl-C while it is still being loaded, or is ending, is one as any other (130)."""
    try:
        from orchestrator.cli.main import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
