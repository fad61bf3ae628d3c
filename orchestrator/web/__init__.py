"""The live page of a lab: a server for this machine, which shows what operations and the journal tell."""
