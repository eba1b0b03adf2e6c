"""Cohorts, their uploads, learners and requirements."""
