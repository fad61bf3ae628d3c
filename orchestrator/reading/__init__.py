"""YAML text in, a Scenario out, or every problem at once."""
