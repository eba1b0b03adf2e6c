"""A run in the academy lead's hands: why a learner is where they are, and what moving them does."""
