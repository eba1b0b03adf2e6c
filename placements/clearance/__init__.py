"""Clear for placement: the checks that learners need before one, when they had them, and who is not clear."""
