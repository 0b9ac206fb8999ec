# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that can be killed: the tasks of a file one after the other, as a program of its own.

    python runner.py FILE

FILE holds a JSON list of options for reseller_customer, or with `customers` for reseller_customers, all of them. One
line of JSON is printed for each result, and at last one with the peak memory in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet, _module, _tasks


def main(path: str) -> None:
    for options in json.loads(Path(path).read_text(encoding="utf-8")):
        task = _fleet.manage_fleet if "customers" in options else _tasks.manage_customer
        print(json.dumps(_module.run_task(task, options, False)), flush=True)
    print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main(sys.argv[1])
