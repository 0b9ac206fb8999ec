# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.sandbox`: the command line, or the command that installs a missing library."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

try:
    from .cli import main
except ModuleNotFoundError as missing:
    # A missing module of the sandbox itself is a bug in the sandbox, not a problem of the machine.
    if not missing.name or missing.name.startswith(__package__):
        raise
    library = missing.name.partition(".")[0]
    needs = Path(__file__).resolve().with_name("requirements.txt")
    command = shlex.join([sys.executable, "-m", "pip", "install", "-r", str(needs)])
    print(
        f"The sandbox needs the Python module {library}, which is not installed. Install its requirements with:",
        f"    {command}\n",
        sep="\n\n",
        file=sys.stderr,
    )
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
