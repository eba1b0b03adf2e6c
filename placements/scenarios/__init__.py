"""Scenarios and runs: the frozen snapshot, the solve and what it proposes."""
