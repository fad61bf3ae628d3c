"""The engine that wirelab starts for itself: its start, its paths, and its complete shutdown."""
