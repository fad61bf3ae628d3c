"""Plans become labs here: runner, journal, lock, watchdog."""
