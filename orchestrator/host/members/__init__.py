"""Members: engines of other machines on which labs may stand, and the connections to them."""
