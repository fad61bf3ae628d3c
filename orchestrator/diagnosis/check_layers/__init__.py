"""Layers that a kind of check brings itself: what HTTP and SQL answered, and what the check found."""
