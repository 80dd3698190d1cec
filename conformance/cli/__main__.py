"""`python -m conformance.cli`: the command without its script."""

from __future__ import annotations

import sys

from conformance.cli import main

sys.exit(main())
