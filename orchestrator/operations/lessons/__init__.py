"""A lesson at work: its lab, the learner's attempts, the progress, and the proof that the lesson can be done."""
