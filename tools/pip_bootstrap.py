# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let ansible-test install pip into its environments on a network that does not reach its download server.

ansible-test fetches a script that installs pip, and keeps it in a cache of the user's home folder. Where the download
is not possible, `prepare` puts this very file there: run as that script, it unpacks the pip that Python itself
bundles. Nothing happens where the cache is filled or the server answers.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

CACHE = Path("~/.ansible/test/cache").expanduser()
SECONDS = 10


def prepare() -> None:
    """Fill the cache of ansible-test with each version of pip that it wants, if it cannot do so itself."""
    internals = _ansible_test_folder()
    address = _only(r"'(https://\S+/get-pip-%s\.py)'", internals / "_util/target/setup/requirements.py")
    wanted = re.findall(r"\bpip='([\d.]+)'", (internals / "_internal/python_requirements.py").read_text())
    for version in sorted(set(wanted)):
        cached = CACHE / f"get_pip_{version.replace('.', '_')}.py"
        if not cached.exists() and not _answers(address % version):
            print(f"The script that installs pip {version} cannot be downloaded: taking the pip that Python bundles")
            CACHE.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(__file__, cached)


def _ansible_test_folder() -> Path:
    spec = importlib.util.find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed beside this Python.")
    return Path(spec.submodule_search_locations[0])


def _only(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text())
    if found is None:
        raise SystemExit(f"{path} has changed: {pattern} is not in it.")
    return found[1]


def _answers(address: str) -> bool:
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return True
    except OSError:
        return False


def unpack_bundled_pip() -> None:
    """Install pip into the running virtual environment, which has none. Install nothing else."""
    if sys.prefix == sys.base_prefix:
        raise SystemExit("This installs pip into a virtual environment, and there is none.")
    with zipfile.ZipFile(_bundled_wheel()) as wheel:
        wheel.extractall(sysconfig.get_path("purelib"))


def _bundled_wheel() -> Path:
    # Distributions keep the wheels in a folder of their own, and name it.
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), _ensurepip_folder() / "_bundled"]
    wheels = [wheel for folder in folders if folder for wheel in Path(folder).glob("pip-*.whl")]
    if not wheels:
        raise SystemExit(f"{sys.executable} bundles no pip.")
    return wheels[0]


def _ensurepip_folder() -> Path:
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        raise SystemExit(f"{sys.executable} has no ensurepip.")
    return Path(spec.origin).parent


if __name__ == "__main__":
    unpack_bundled_pip()
