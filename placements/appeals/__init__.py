"""Appeals against a published place, between release to learners and freeze, and the panel's decisions."""
