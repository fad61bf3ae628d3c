"""The seam to a container engine: its protocol, Docker, and an engine in memory that keeps the same promises."""
