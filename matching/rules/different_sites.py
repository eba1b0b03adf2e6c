"""different_sites: by the end of the round a learner has been to at least so many different sites.

With d sites to reach, h attended before and R requirements in the round, at most max(0, R + h - d) placings
may repeat a site; a requirement that is left over could still have become a new one. Nothing is to obey once
d <= h. It forbids no single pair by itself.
"""

from matching.items import Learner

NAME = "different_sites"
WORDS = "The learner still needs different sites, and this would be one they have been to or go to already."


def most_repeats(learner: Learner, asked: int) -> int:
    """The most placings that may repeat a site, of `asked` requirements; `asked` where nothing is to obey."""
    been = len(set(learner.attended))
    if learner.different_sites is None or learner.different_sites <= been:
        return asked
    return max(0, asked + been - learner.different_sites)
