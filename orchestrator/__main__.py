"""`python -m orchestrator` is the `wirelab` command."""

from orchestrator.cli.main import main

main()
