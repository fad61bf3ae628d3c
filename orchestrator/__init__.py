"""wirelab: a laboratory for the client-server model."""

__version__ = "0.1.0"
