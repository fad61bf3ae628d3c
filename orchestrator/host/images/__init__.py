"""Images of wirelab's nodes: their files, their builds, and which of them an engine has."""
