# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.sandbox`: the command line, or one sentence when a library is missing that it needs."""

from __future__ import annotations

import sys

try:
    from .program import main
except ModuleNotFoundError as missing:
    # A module of the sandbox's own that is missing is a mistake here, not one of the machine.
    if not missing.name or missing.name.startswith(__package__):
        raise
    library = missing.name.partition(".")[0]
    print(f"The sandbox needs the Python module {library}, which is not installed.", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
