"""The use cases of wirelab, as functions on values: no command line, no printing."""
