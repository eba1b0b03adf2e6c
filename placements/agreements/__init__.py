"""What HEIs and trusts agreed: least and most places by learner group, stage and academic year."""
