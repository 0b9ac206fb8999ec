# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as users have it: installed from the tarball and from a repository, without a network."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import staging
from tools.environment import clean_environment

from .conftest import ACCOUNT, SEED, only_observed
from .running import ROOT, Ansible, Sandbox, SandboxProgram

COLLECTION = "mailfleet.sendgrid"
LIST = f"{COLLECTION}.reseller_customer_info"
# Kinds with documentation of their own, by folder.
DOCUMENTED = {"modules": "module", "filter": "filter", "lookup": "lookup", "inventory": "inventory"}
UNDOCUMENTED = {"action", "doc_fragments", "module_utils", "plugin_utils"}
# Where the packages are named for users, and the one command for that.
INSTRUCTIONS = ("README.md", "docs/docsite/rst/getting_started.rst")
PIP = re.compile(r"^ *(\S*python\S* -m pip install .*|pip3? install .*)$", re.MULTILINE)
INSTALL = "python3 -m pip install -r ~/.ansible/collections/ansible_collections/mailfleet/sendgrid/requirements.txt"
SANDBOX = "tests/sandbox"


# The collection is installed once for all tests.
pytestmark = pytest.mark.xdist_group("install")

# Both ways lead to the same files, so most tests look at one of them.
only_from_tarball = pytest.mark.parametrize("installed", ["tarball"], indirect=True)


@pytest.fixture(scope="module", params=["tarball", "repository"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed collection."""
    folder = tmp_path_factory.mktemp(request.param)
    with staging.staged_copy() as copy:
        if request.param == "tarball":
            return staging.install(staging.build(copy, folder), folder)
        return staging.install(f"git+{committed(copy).as_uri()}", folder)


def committed(copy: Path) -> Path:
    """The copy, whose files are in a commit from now on."""
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(copy), *person, "commit", "--quiet", "--no-verify", "--message", "All"]
    subprocess.run(command, env=clean_environment(), check=True)
    return copy


def environment(collection: Path, folder: Path) -> dict[str, str]:
    """The environment of a user who only has the installed collection."""
    return {**staging.environment_for(collection), "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOLOR": "true"}


def names(pattern: str) -> list[str]:
    return sorted(f"{COLLECTION}.{path.stem}" for path in ROOT.glob(pattern) if path.stem != "__init__")


def escape_control(collection: Path, folder: Path, kind: str, wanted: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        ["ansible-doc", "--type", kind, "--json", *wanted],
        cwd=folder,
        env=environment(collection, folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # ansible-core 2.21 warns about its own collection.
    said = [line for line in done.stderr.splitlines() if "ansible/_protomatter" not in line]
    assert (done.returncode, said) == (0, [])
    return json.loads(done.stdout)


def test_all_plugins_are_shown(installed: Path, tmp_path: Path) -> None:
    assert {path.name for path in (ROOT / "plugins").iterdir()} == set(DOCUMENTED) | UNDOCUMENTED
    for folder, kind in DOCUMENTED.items():
        wanted = names(f"plugins/{folder}/*.py")
        pages = escape_control(installed, tmp_path, kind, wanted)
        assert sorted(pages) == wanted
        for name, page in pages.items():
            assert page["doc"]["short_description"] and page["examples"].strip(), name
            assert Path(page["doc"]["filename"]).is_relative_to(installed)


def test_all_roles_are_shown(installed: Path, tmp_path: Path) -> None:
    wanted = names("roles/*")
    pages = escape_control(installed, tmp_path, "role", wanted)
    assert sorted(pages) == wanted
    assert all(page["entry_points"]["main"]["options"] for page in pages.values())
    assert all(Path(page["path"]).is_relative_to(installed) for page in pages.values())


@only_observed
def test_an_ad_hoc_command_lists_the_customers(installed: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    seeded = [customer["username"] for customer in SEED["customers"] if "account" not in customer]
    assert listed(Ansible(sandbox, tmp_path, installed.parents[2], **ACCOUNT)) == sorted(seeded)


def listed(ansible: Ansible) -> list[str]:
    """The customers that an ad-hoc command lists with one call."""
    done = ansible.command("ansible", "localhost", "-m", LIST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [call["operation"] for call in ansible.sandbox.log()] == ["list"]
    return [customer["username"] for customer in json.loads(done.stdout.partition("=>")[2])["customers"]]


@pytest.fixture(params=["in its folder", "from anywhere"])
def demo(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Iterator[Sandbox]:
    """The installed sandbox with its demo fleet, started in both ways that its README shows."""
    options = ("--demo", "--behaviour", "observed")
    plain = clean_environment()
    if request.param == "in its folder":
        running = SandboxProgram(*options, module="tests.sandbox", folder=installed, environment=plain)
    else:
        path = {"PYTHONPATH": str(installed.parents[2])}
        module = f"ansible_collections.{COLLECTION}.tests.sandbox"
        running = SandboxProgram(*options, module=module, folder=tmp_path, environment={**plain, **path})
    yield running
    assert running.stop() == (0, "", "")


@only_from_tarball
def test_the_sandbox_runs_where_it_is_installed(demo: Sandbox, installed: Path, tmp_path: Path) -> None:
    fleet = json.loads((installed / SANDBOX / "demo_fleet.json").read_text(encoding="utf-8"))
    account = {name: fleet["accounts"][0][name] for name in ("api_user", "api_key")}
    wanted = sorted(customer["username"] for customer in fleet["customers"])
    assert listed(Ansible(demo, tmp_path, installed.parents[2], **account)) == wanted


@only_from_tarball
def test_the_sandbox_names_its_requirements_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    module = f"ansible_collections.{COLLECTION}.tests.sandbox"
    program = f"import runpy, sys; sys.modules['starlette'] = None; runpy.run_module({module!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**clean_environment(), "PYTHONPATH": str(installed.parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"-m pip install -r {shlex.quote(str(installed / SANDBOX / 'requirements.txt'))}\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sandbox_requires_what_it_imports() -> None:
    # Their packages are called differently.
    renamed = {"python_multipart": "python-multipart", "yaml": "PyYAML"}
    imported = {renamed.get(name, name) for name in third_party("tests/sandbox")}
    assert imported == required(ROOT / SANDBOX / "requirements.txt")


def test_a_target_needs_what_the_modules_import() -> None:
    needed = required(ROOT / "requirements.txt")
    imported = third_party("plugins/modules") | third_party("plugins/module_utils")
    # What comes along with a package that is named.
    brought = {name for package in needed for name in named(metadata.requires(package) or [])} - needed
    assert (needed - imported, imported - needed - brought - {"ansible"}) == (set(), set())
    # The others run beside Ansible, which brings these.
    assert third_party("plugins") <= needed | brought | {"ansible", "jinja2", "yaml"}


def third_party(folder: str) -> set[str]:
    """The packages that the code in a folder imports, wherever in it, beyond Python's own and this collection's."""
    nodes = [node for path in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level and node.module]
    modules += [str(ast.literal_eval(node.args[0])) for node in nodes if is_import_call(node)]
    return {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"ansible_collections"}


def is_import_call(node: ast.AST) -> bool:
    """`import_module("name")`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")


def required(file: Path) -> set[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return named([line for line in lines if line and not line.startswith("#")])


def named(requirements: list[str]) -> set[str]:
    """The packages of requirements, but those that only an extra needs."""
    return {re.split(r"[^\w.-]", line)[0] for line in requirements if "extra ==" not in line}


@only_from_tarball
@pytest.mark.parametrize("source", INSTRUCTIONS)
def test_one_command_installs_what_a_target_needs(source: str, installed: Path) -> None:
    commands = [found.strip() for found in PIP.findall((ROOT / source).read_text(encoding="utf-8"))]
    assert commands == [INSTALL]
    # By default, collections go to ~/.ansible/collections.
    inside = INSTALL.partition("~/.ansible/collections/")[2]
    assert installed.parents[2].joinpath(inside).samefile(installed / "requirements.txt")


@only_from_tarball
def test_an_execution_environment_installs_the_same(installed: Path) -> None:
    meta = yaml.safe_load((installed / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    assert meta["dependencies"] == {"python": os.path.basename(INSTALL)}
