"""Command outputs and packets in, findings and conversations out. Pure."""
