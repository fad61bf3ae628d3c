"""Typed checks: the probes that a check sends, and how the answers become a finding with evidence. Pure."""
