"""Rounds, their blocks, and what each cohort needs in each block."""
