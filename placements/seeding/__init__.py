"""Reference data and the demo round, loaded through the same services as a person's work."""
