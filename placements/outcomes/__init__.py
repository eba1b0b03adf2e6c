"""What came of placements: attendance, outcome and learners' feedback."""
