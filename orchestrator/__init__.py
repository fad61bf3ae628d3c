"""wirelab: a laboratory for the client-server model."""

__version__ = "0.2.0"
