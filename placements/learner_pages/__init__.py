"""What a learner sees by private link: their own places, travel, calendar, preferences and feedback."""
