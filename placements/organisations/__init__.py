"""ICBs, trusts, sites, departments, HEIs, programmes and the reference data about learners."""
