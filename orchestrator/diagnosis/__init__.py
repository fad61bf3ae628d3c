"""Why did it fail? A walk through the layers of a connection, in the order in which they must work."""
