# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the documentation, run against the sandbox: guides, READMEs, and EXAMPLES of the plugins.

The blocks of one source are run as one script: first its tasks and those playbooks that no command names, with one call
of ansible-playbook and with all its inventories, and then its commands. What examples refer to and do not bring along
is in the tables below.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.seed import DEMO_FLEET

from .examples import Block, blocks, overlooked
from .running import ROOT, Ansible, Sandbox

SOURCES = {
    str(path.relative_to(ROOT)): path
    for pattern in (
        "docs/docsite/rst/*.rst",
        "README.md",
        "roles/*/README.md",
        "plugins/modules/*.py",
        "plugins/filter/*.py",
        "plugins/inventory/*.py",
    )
    for path in sorted(ROOT.glob(pattern))
}
GUIDES = "docs/docsite/rst/"
WITHOUT_EXAMPLES = {
    GUIDES + name for name in ("glossary.rst", "idempotency.rst", "network_failures.rst", "troubleshooting.rst")
}
# They create the customer that all others find.
CREATE_MARA = {GUIDES + "one_customer.rst", "plugins/modules/reseller_customer.py"}
# The sandbox that they start has the account `demo`.
OF_THE_DEMO = {GUIDES + "testing_with_the_sandbox.rst"}
# They use API v3.
OF_API_V3 = {
    *(GUIDES + name for name in ("api_keys.rst", "api_v2_and_v3.rst")),
    "plugins/modules/reseller_customer_api_key.py",
}
# Filters for what is there already.
CALL_NOTHING = {"plugins/filter/fleet_outcome.py"}
# The blocks that are run.
EXAMPLES = {source: [block for block in blocks(path) if not block.reason] for source, path in SOURCES.items()}

NAME = "my-reseller-account"
# Whatever asks for a password is answered with it, again and again. With its newline it divides the buffer of a program
# that reads ahead, so that the next program begins with a whole line.
KEY = "key-of-the-examples-4711".ljust(31, "0")
V3_KEY = "v3-key-of-the-examples-4711".ljust(31, "0")
PASSWORD = "tide-tables-of-may-312"
MARA = "mara@lighthouse.example"
JONAS = "jonas@birch.example"
OLGA = "olga@old.example"
FLEET = [{"username": name} for name in (MARA, JONAS, OLGA)]

SUMMARY = dict.fromkeys(("created", "updated", "renamed", "deleted", "unchanged", "failed", "not_reached"), 0)

# Variables that examples use and do not set.
VARIABLES = {
    "vault_sendgrid_key": KEY,
    "vault_sendgrid_v3_key": V3_KEY,
    "vault_mara_password": PASSWORD,
    # What a question for it is answered with in examples of API v3.
    "vault_secret": V3_KEY,
    "mara_password": PASSWORD,
    "reseller_name": NAME,
    "reseller_key": KEY,
    "reseller_v3_key": V3_KEY,
    "fleet": FLEET[:2],
    "customers": FLEET,
    "fleet_passwords": {MARA: PASSWORD},
    "converged": {"changed": False, "summary": SUMMARY, "results": [], "unverified": {}},
}
# Files that they name and do not show, and the variables.
FILES = {
    "group_vars/all.yml": json.dumps(VARIABLES),
    "fleet.csv": f"username,city\n{MARA},Bangor\n{JONAS},\n",
    "fleet.yml": json.dumps({"fleet_customers": FLEET, "fleet_defaults": {"country": "US"}}),
    "group_vars/reseller/vault.yml": json.dumps(VARIABLES),
    "vault.yml": json.dumps({"vault_sendgrid_key": KEY, "fleet_passwords": {MARA: PASSWORD}}),
    "passwords.yml": json.dumps({"fleet_passwords": {MARA: PASSWORD}}),
    "reseller/key.vault": KEY,
}
# Places that only the machine of a user has; {folder} is that of the run, {root} the address of the sandbox.
PLACES = {
    "/srv/reports": "{folder}/reports",
    "/etc/reseller": "{folder}/reseller",
    "http://127.0.0.1:8025": "{root}",
    "https://api.sendgrid.com/v3": "{root}/v3",
}
# What the account of the examples has, and its customers may have.
OWNED = {"ips": ["192.0.2.1", "192.0.2.2"], "domains": [{"domain": "lighthouse.example"}]}
COMMAND = 'yes "$KEY" | bash -ex script.sh'


def seed(owner: str, *, with_mara: bool) -> str:
    """The demo's customers, which the guides speak of. They belong to the account that the examples use."""
    demo = json.loads(DEMO_FLEET.read_text(encoding="utf-8"))
    customers = [customer for customer in demo["customers"] if with_mara or customer["username"] != MARA]
    assert {JONAS, OLGA} < {customer["username"] for customer in customers}
    return json.dumps(
        {
            "accounts": [*demo["accounts"], {"api_user": NAME, "api_key": KEY, "v3_key": V3_KEY, **OWNED}],
            "customers": [{**customer, "account": owner} for customer in customers],
        }
    )


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    """The sandbox of a source. It is started when it is first asked for; sources that need the same one share it."""
    started: dict[tuple[bool, bool], Sandbox] = {}

    def get(source: str) -> Sandbox:
        of_the_demo, creates_mara = kind = source in OF_THE_DEMO, source in CREATE_MARA
        if kind not in started:
            path = tmp_path_factory.mktemp("seed") / "seed.json"
            path.write_text(seed("demo" if of_the_demo else NAME, with_mara=not creates_mara), encoding="utf-8")
            started[kind] = Sandbox("--behaviour", "observed", "--seed", str(path))
        return started[kind]

    yield get
    for sandbox in started.values():
        assert sandbox.stop() == (0, "", "")


@dataclass
class Story:
    """The blocks of one source that are run, the folder in which that is done, and whether with API v3."""

    blocks: list[Block]
    ansible: Ansible
    is_v3: bool = False

    @property
    def folder(self) -> Path:
        return self.ansible.folder

    def run(self) -> subprocess.CompletedProcess[str]:
        for name, text in self._files().items():
            self._write(name, text)
        self._lay_out_clone()
        return subprocess.run(
            ["bash", "-c", COMMAND],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            # Without a terminal, a question for a password reads its standard input.
            start_new_session=True,
        )

    def results(self) -> set[str]:
        """The names of all tasks that have succeeded."""
        path = self.folder / "steps.jsonl"
        steps = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.exists() else ()
        return {step["name"] for step in steps if step["status"] == "ok"}

    def _files(self) -> dict[str, str]:
        """All that is put into the folder, by name."""
        own = {self._name(block): as_file(block) for block in self.blocks if block.kind not in ("commands", "output")}
        return {**FILES, **own, "script.sh": "\n".join(self._commands()) + "\n"}

    def _commands(self) -> list[str]:
        own = [block.script for block in self._of_kind("commands")]
        words = set(" ".join(own).split())
        inventories = [part for block in self._of_kind("inventory") for part in ("-i", self._name(block))]
        playbooks = [name for name in map(self._name, self._of_kind("playbook", "tasks")) if name not in words]
        if playbooks:
            first = [shlex.join(["ansible-playbook", *inventories, *playbooks])]
        else:
            first = [shlex.join(["ansible-inventory", *inventories, "--graph"])] if inventories else []
        return [*first, *own]

    def _of_kind(self, *kinds: str) -> list[Block]:
        return [block for block in self.blocks if block.kind in kinds]

    def _name(self, block: Block) -> str:
        return block.name or f"block-{self.blocks.index(block)}.yml"

    def _write(self, name: str, text: str) -> None:
        for place, instead in PLACES.items():
            text = text.replace(place, instead.format(folder=self.folder, root=self.ansible.sandbox.root))
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _lay_out_clone(self) -> None:
        """What commands take from the clone that they are run in: its environment and its tests."""
        (self.folder / "reports").mkdir()
        (self.folder / "tests").symlink_to(ROOT / "tests")
        environment = self.folder / ".venv"
        environment.mkdir()
        for part in Path(sys.prefix).iterdir():
            (environment / part.name).symlink_to(part)

    def _environment(self) -> dict[str, str]:
        return {
            **self.ansible.environment(),
            "HOME": str(self.folder),
            "KEY": KEY,
            "RESELLER_KEY": KEY,
            "RESELLER_V3_KEY": V3_KEY,
            "ANSIBLE_CALLBACKS_ENABLED": "steps",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            **(self._environment_of_v3() if self.is_v3 else {}),
        }

    def _environment_of_v3(self) -> dict[str, str]:
        service = {"SENDGRID_API": "subusers", "SENDGRID_API_URL": f"{self.ansible.sandbox.root}/v3"}
        return {**service, "SENDGRID_API_KEY": V3_KEY, "KEY": V3_KEY}


def as_file(block: Block) -> str:
    """What the file of a block holds. Tasks alone are put into a play."""
    if block.kind != "tasks":
        return block.text
    play = "- name: Tasks\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
    return play + textwrap.indent(block.text, "    ")


def parametrized(names: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", sorted(names))


@parametrized(SOURCES)
def test_every_block_is_found(source: str) -> None:
    assert overlooked(SOURCES[source]) == []
    assert bool(blocks(SOURCES[source])) is (source not in WITHOUT_EXAMPLES)


def test_sources_in_the_tables_are_there() -> None:
    assert len(SOURCES) > 20
    assert WITHOUT_EXAMPLES | CREATE_MARA | OF_THE_DEMO | CALL_NOTHING | OF_API_V3 <= set(SOURCES)


@parametrized(source for source, found in EXAMPLES.items() if found)
def test_examples(source: str, sandboxes: Callable[[str], Sandbox], tmp_path: Path, collections_path: Path) -> None:
    sandbox = sandboxes(source)
    sandbox.reset()
    story = Story(EXAMPLES[source], Ansible(sandbox, tmp_path, collections_path, NAME, KEY), source in OF_API_V3)

    done = story.run()

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said, said
    assert set().union(*[block.tasks for block in story.blocks]) <= story.results(), said
    for shown in [block.text for block in story.blocks if block.kind == "output"]:
        assert all(line.strip() in said for line in shown.splitlines()), said
    assert bool(sandbox.log()) is (source not in CALL_NOTHING), said


@parametrized(source for source, found in EXAMPLES.items() if any(block.sandboxes for block in found))
def test_sandboxes_start_with_the_options_of_the_examples(source: str) -> None:
    for options in [options for block in EXAMPLES[source] for options in block.sandboxes]:
        assert Sandbox(*shlex.split(options)).stop() == (0, "", "")
