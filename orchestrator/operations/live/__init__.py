"""A lab that is watched while it runs: its traffic, its states, its terminals, and what a person does to it."""
