"""(scenario, observed) -> plan. Pure."""
