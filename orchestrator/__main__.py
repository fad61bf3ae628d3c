"""The `wirelab` command, also as `python -m orchestrator`."""

import sys


def main() -> None:
    """Run the command line and exit. Ctrl-C while it is still being loaded is one as any other (130)."""
    try:
        from orchestrator.cli.main import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
