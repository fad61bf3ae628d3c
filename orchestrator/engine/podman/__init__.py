"""Podman, through the Docker API that it speaks, and its own API (libpod) where that says more."""
