"""Lessons as values: what an author writes, what proves a task, and how far a learner is."""
