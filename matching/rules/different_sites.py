"""different_sites: by the end of the round a learner has been to at least so many different sites.

With d sites to reach, h attended before and R requirements in the round, at most max(0, R + h - d) placings
may repeat a site; a requirement that is left over could still have become a new one. Nothing is to obey once
d <= h. It forbids no single pair by itself.
"""

NAME = "different_sites"
WORDS = "The learner still needs different sites, and this would be one they have been to or go to already."
