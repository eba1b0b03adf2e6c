"""Capacity declarations: what a department offers in a round, week by week."""
