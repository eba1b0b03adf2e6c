"""After publication: what has happened since as one worklist, and the repairs that mend it."""
