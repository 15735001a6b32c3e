"""`python -m orchestrator` is `wasmill`."""

from __future__ import annotations

import sys

from orchestrator.cli.uptodate import main

if __name__ == "__main__":
    sys.exit(main())
