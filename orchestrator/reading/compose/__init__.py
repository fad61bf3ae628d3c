"""A Compose file -> a scenario: what its services become, what its promises become, and notes for all the rest.

The file follows the Compose Specification (https://github.com/compose-spec/compose-spec).
"""
