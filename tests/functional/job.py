# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One job, run as AWX runs it, as a program of its own.

    python job.py FOLDER PLAYBOOK IDENT

FOLDER is a private data directory of ansible-runner. The job is cancelled as soon as a file `cancel` is in it. One line
of JSON is printed at the end: the job's status.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ansible_runner


def main(folder: str, playbook: str, ident: str) -> None:
    cancel = Path(folder, "cancel")
    result = ansible_runner.run(
        private_data_dir=folder,
        playbook=playbook,
        ident=ident,
        cancel_callback=cancel.exists,
        # How often the callback is asked is a setting, in seconds. AWX leaves it at 5.
        settings={"suppress_ansible_output": True, "pexpect_timeout": 1},
    )
    print(json.dumps({"status": result.status}))


if __name__ == "__main__":
    main(*sys.argv[1:])
