"""The machine that wirelab runs on: finding, installing, starting and ending an engine, and building its images."""
