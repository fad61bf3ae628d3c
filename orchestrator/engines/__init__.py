"""The one door to containers."""
