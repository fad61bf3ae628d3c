"""Members: name them, examine them, and place labs on them."""
