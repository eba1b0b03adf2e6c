"""A worker that knows one more job, which leaves a mark: `python -m tests.setup.marking`."""

import os
from pathlib import Path

from placements.tasks import job


@job
def leave_mark(path: str) -> None:
    """Write this process's number where asked."""
    Path(path).write_text(str(os.getpid()))


if __name__ == "__main__":
    from placements.cli import main

    main(["worker"])
