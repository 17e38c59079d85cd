# SPDX-License-Identifier: MIT
"""``python -m filmatlas`` is the ``filmatlas`` command."""

from filmatlas._cli import main

if __name__ == "__main__":
    raise SystemExit(main())
