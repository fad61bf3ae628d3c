"""A room without a network: one file with all that wirelab needs there, made here and used there."""
