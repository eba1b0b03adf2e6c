"""Whether a learner is clear for placement: dated checks, their expiry, and what follows where one lacks."""
