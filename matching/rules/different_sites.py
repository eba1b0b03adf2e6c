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


def may_repeat(learner: Learner, asking: dict[str, int], placings: int, *, site_repeats: bool) -> float:
    """The most of so many placings, taken in parts or whole, that can repeat a site: `asking` says how many
    could be at each; `site_repeats` whether the learner's most at one site is kept to.

    A site not been to holds m placings of which m - 1 repeat it, one been to nothing but repeats; they are
    filled from the greatest share down (Dantzig 1957).
    """
    shares = []
    for site, most in asking.items():
        if site_repeats and learner.site_repeats is not None:
            most = min(most, learner.site_repeats - learner.attended.count(site))
        if most > 0:
            shares.append(((most - (site not in learner.attended)) / most, most))
    out = 0.0
    for share, most in sorted(shares, reverse=True):
        out += share * min(most, placings)
        placings -= min(most, placings)
    return out
