"""A scenario from an address: fetch it, unpack it within bounds, and keep it by its hash."""
