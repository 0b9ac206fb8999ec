# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At home in AWX: what is registered there, what a credential becomes, and each playbook as a job."""

from __future__ import annotations

import datetime
import json
import os
import re
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tools.environment import ansible_environment

from .awx import PROJECT, Controller, Job, commands, injected, make_collection, marked
from .conftest import seeded
from .examples import blocks
from .pages import parse
from .running import CORE, ROOT, SUBUSERS, Sandbox, sandboxes
from .test_fleet_role import as_csv
from .vault import encrypted, encrypted_values, password_file

CREDENTIAL_TYPE = ROOT / "extensions" / "awx" / "credential_types" / "sendgrid_reseller.yml"
# By the name of the type: its fields, as released.
FROZEN_FIELDS = Path(__file__).resolve().parent / "credential_type_fields.yml"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "awx.rst"
PLAYBOOKS = ROOT / "playbooks"
# Each secret has this word in it: that finds it in any spelling. The rest is what templates and escaping change.
CANARY = "canary"
KEY = 'canary-key {{ 7 * 7 }} "4711" & <'
OLD = "canary-old-4711"
NEW = "canary-new {{ lookup('ansible.builtin.pipe', 'touch evaluated') }} & <ü> '\""
VAULT = "canary-vault-4711"
CANARY_NUMBER = "1_234_567"
FLEET = [f"c{number:02}@example.com" for number in range(10)]
MINE = {"api_user": "acme", "api_key": KEY}
V3_KEY = "SG.canary-key-of-acme-001.canary-key-of-acme-that-opens-only-the-tests"
# Seconds that nothing here takes, unless it fails.
PATIENCE = 60


# Registering takes long, so one worker does it for all tests.
pytestmark = pytest.mark.xdist_group("awx")


# What is registered


URL = "https://git.example/fleet.git"


def fresh_awx(*organizations: str, **settings: Any) -> dict[str, Any]:
    """What an AWX holds before anything was registered, and how it is: see awx_objects.py."""
    names = ["Default", *organizations]
    environment = {"id": 50, "name": "Mail fleet", "image": "registry.example/other:1"}
    return {
        "objects": {
            "organizations": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
            "execution_environments": [environment],
            "credentials": [{"id": 60, "name": "Vault", "credential_type": 3, "inputs": {}}],
        },
        "repositories": {URL: sorted(path.name for path in PROJECT.glob("*.yml"))},
        "last_id": 100,
        "has_capacity": True,
        "is_superuser": True,
        "has_broken_sources": False,
        **settings,
    }


class Registering:
    """Runs register_with_awx against the stand-in for awx.awx."""

    def __init__(self, make_folder: Callable[[], Path], collections: tuple[Path, ...]) -> None:
        self.make_folder = make_folder
        self.collections = collections

    def __call__(
        self, settings: dict[str, str] | None = None, awx: dict[str, Any] | None = None, **variables: Any
    ) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
        """What it printed with these extra variables, and what the modules were told.

        `settings`: of Ansible. `awx`: what it holds, changed in place; a fresh one if it is not given.
        """
        folder = self.make_folder()
        given = folder / "given.yml"
        given.write_text(marked({"sendgrid_api_user": "acme", "sendgrid_api_key": KEY, **variables}), "utf-8")
        command = ["ansible-playbook", "-vvv", "mailfleet.sendgrid.register_with_awx", "--extra-vars", f"@{given}"]

        def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
            return commands(*self.collections, **(settings or {})).run(command, folder, environment, timeout=120)

        return self.against(awx, folder, run)

    def against(
        self,
        awx: dict[str, Any] | None,
        folder: Path,
        run: Callable[[dict[str, str]], subprocess.CompletedProcess[str]],
    ) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
        """The same for any command, which `run` runs in the environment that it gets."""
        held = fresh_awx() if awx is None else awx
        objects, calls = folder / "objects.json", folder / "calls"
        objects.write_text(json.dumps(held), encoding="utf-8")
        calls.touch()
        places = {"AWX_CALLS": str(calls), "AWX_OBJECTS": str(objects)}
        done = run({**ansible_environment(folder, *self.collections), **places})
        held.update(json.loads(objects.read_text(encoding="utf-8")))
        return done, [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory, collections_path: Path) -> Registering:
    collections = (collections_path, make_collection(tmp_path_factory.mktemp("awx")))
    return Registering(lambda: tmp_path_factory.mktemp("register"), collections)


@pytest.fixture(scope="module")
def registered(register: Registering) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects that the playbook registers, by module and name, in its order. Only AWX gets the key."""
    done, calls = register(
        sendgrid_awx_project_url=URL,
        sendgrid_awx_image="registry.example/mail-fleet:1",
        sendgrid_awx_fleets=["fleet.yml", "fleet.yml,more.yml"],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr
    return {(module, told["name"]): told for module, told in calls}


def of_module(registered: dict[tuple[str, str], Any], module: str) -> dict[str, Any]:
    return {name: told for (used, name), told in registered.items() if used == module}


def test_all_is_registered_in_an_order_that_works(registered: dict[tuple[str, str], Any]) -> None:
    """The stand-in finds what is named, as AWX does: so here is only what it does not know."""
    assert [module for module, _name in registered] == [
        "credential_type",
        "credential",
        "execution_environment",
        "project",
        "project_update",
        "inventory",
        "inventory_source",
        "inventory",
        "host",
        *["job_template"] * 7,
        "inventory_source_update",
    ]
    [source] = of_module(registered, "inventory_source").values()
    assert (PROJECT / source["source_path"]).is_file()
    assert set(of_module(registered, "job_template")) == {
        f"SendGrid customers: {name}"
        for name in (
            "Converge the fleet",
            "Converge the fleet in slices",
            "Disable a customer",
            "Reset a password",
            "Give a customer a key",
            "Onboard a customer",
            "Report",
        )
    }


def test_only_the_template_in_slices_needs_the_customers_as_hosts(registered: dict[tuple[str, str], Any]) -> None:
    """Any other job would wait for the update of the source, and fail with it."""
    ids = {name: str(told["id"]) for name, told in of_module(registered, "inventory").items()}
    assert list(ids) == ["SendGrid customers", "SendGrid customers (localhost)"]
    customers, localhost = ids.values()
    used = {name: told["inventory"] for name, told in of_module(registered, "job_template").items()}
    assert used == {**dict.fromkeys(used, localhost), "SendGrid customers: Converge the fleet in slices": customers}
    assert [told["inventory"] for told in of_module(registered, "inventory_source").values()] == [customers]
    [host] = of_module(registered, "host").values()
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    assert (host["name"], host["inventory"], host["variables"]) == ("localhost", localhost, variables)


def test_what_is_registered_is_what_the_file_says(registered: dict[tuple[str, str], Any]) -> None:
    """Only AWX evaluates templates in it. Nothing evaluates them before."""
    told = of_module(registered, "credential_type")["SendGrid reseller account"]
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    assert {name: told[name] for name in stored} == stored
    credential = of_module(registered, "credential")["SendGrid customers"]
    # An address that was not given stays empty, because a default would belong to one API only.
    assert credential["inputs"] == {**MINE, "api": "reseller"}


def all_are(kind: type, values: Iterable[object]) -> bool:
    """Whether the values have exactly this type: true and false are no numbers here."""
    return {kind}.issuperset(map(type, values))


def test_each_survey_is_one_that_awx_takes(registered: dict[tuple[str, str], Any]) -> None:
    kinds = {"text": str, "password": str, "multiplechoice": str, "integer": int}
    for template in of_module(registered, "job_template").values():
        survey = template["survey_spec"]
        assert (survey["name"], survey["description"]) == ("", "")
        variables = [question["variable"] for question in survey["spec"]]
        assert len(variables) == len(set(variables)) > 0
        for question in survey["spec"]:
            kind = kinds[question["type"]]
            assert isinstance(question["question_name"], str) and isinstance(question["required"], bool)
            assert all_are(int, [question[bound] for bound in ("min", "max") if bound in question])
            if "default" in question:
                assert all_are(kind, [question["default"]])
            if question["type"] == "multiplechoice":
                assert question["default"] in question["choices"]
                assert all_are(str, question["choices"])


def test_a_secret_is_asked_for_as_one(registered: dict[tuple[str, str], Any]) -> None:
    questions = [
        question
        for template in of_module(registered, "job_template").values()
        for question in template["survey_spec"]["spec"]
    ]
    assert {one["variable"] for one in questions if one["type"] == "password"} == {"customer_password"}
    assert not any("default" in one for one in questions if one["type"] == "password")


def test_each_question_is_about_a_variable_that_the_playbook_has(registered: dict[tuple[str, str], Any]) -> None:
    roles = ROOT / "roles"
    known = {
        name
        for role in ("fleet", "fleet_report")
        for name in yaml.safe_load((roles / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
            "argument_specs"
        ]["main"]["options"]
    }
    for template in of_module(registered, "job_template").values():
        playbook = (PLAYBOOKS / template["playbook"]).read_text(encoding="utf-8")
        brought = [PLAYBOOKS / name for name in re.findall(r"(?:tasks|vars)/\w+\.yml", playbook)]
        text = "".join([playbook, *(path.read_text(encoding="utf-8") for path in brought)])
        for question in template["survey_spec"]["spec"]:
            assert question["variable"] in text or question["variable"] in known


@pytest.mark.parametrize("blank", [{}, {"sendgrid_awx_project_url": " "}, {"sendgrid_awx_project_url": None}])
def test_without_a_project_nothing_is_registered(register: Registering, blank: dict[str, Any]) -> None:
    done, calls = register(**blank)
    assert done.returncode != 0
    assert calls == []
    assert "sendgrid_awx_project_url must be the address" in " ".join(done.stdout.split())


@pytest.mark.parametrize("blank", ["", " ", None])
def test_what_is_blank_is_registered_as_if_it_were_left_out(
    register: Registering, registered: dict[tuple[str, str], Any], blank: str | None
) -> None:
    names = (
        "awx_name awx_organization awx_template_prefix api_url eu_api_url api awx_project_branch awx_project_credential"
        " awx_execution_environment awx_vault_credentials awx_slices awx_report_path"
        " awx_key_folder"
    )
    done, calls = register(
        sendgrid_awx_project_url=URL,
        sendgrid_awx_image="registry.example/mail-fleet:1",
        sendgrid_awx_fleets=["fleet.yml", "fleet.yml,more.yml"],
        **{f"sendgrid_{name}": blank for name in names.split()},
    )
    assert done.returncode == 0, done.stdout
    assert {(module, told["name"]): told for module, told in calls} == registered


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sendgrid_api_key": " "}, "The name and the key of the account are required"),
        ({"sendgrid_api_key": " ", "sendgrid_api": "subusers"}, "The key of the account is required"),
        ({"sendgrid_api_user": " "}, "The name and the key of the account are required"),
        ({"sendgrid_api_user": "", "sendgrid_api": "customer"}, "The name and the key of the account are required"),
        ({"sendgrid_api": "v3"}, "sendgrid_api must be one of: reseller, customer, subusers"),
    ],
)
def test_without_an_account_nothing_is_registered(register: Registering, given: dict[str, str], told: str) -> None:
    done, calls = register(sendgrid_awx_project_url=URL, **given)
    assert done.returncode != 0
    assert calls == []
    assert told in " ".join(done.stdout.split())


@pytest.mark.parametrize("user", ["", " ", "acme"])
def test_with_api_v3_the_key_is_the_account(register: Registering, user: str) -> None:
    own = {"api_url": "https://mail.example/v3", "eu_api_url": "https://mail.example/eu/v3"}
    done, calls = register(
        sendgrid_awx_project_url=URL,
        sendgrid_api_user=user,
        sendgrid_api="subusers",
        **{f"sendgrid_{name}": address for name, address in own.items()},
    )
    assert done.returncode == 0, done.stdout
    [inputs] = [told["inputs"] for module, told in calls if module == "credential"]
    named = {"api_user": user} if user.strip() else {}
    assert inputs == {**named, "api_key": KEY, "api": "subusers", **own}


@pytest.mark.skipif(CORE >= (2, 19), reason="since ansible-core 2.19, no template makes a number of a text")
def test_a_text_stays_one_on_its_way_to_awx(register: Registering) -> None:
    done, calls = register(
        {"ANSIBLE_JINJA2_NATIVE": "true"},
        sendgrid_awx_project_url=URL,
        sendgrid_awx_project_branch="1.10",
        sendgrid_awx_name="1e5",
        sendgrid_api_key=CANARY_NUMBER,
    )
    assert done.returncode == 0, done.stdout
    told = {(module, one["name"]): one for module, one in calls}
    assert told["project", "1e5"]["scm_branch"] == "1.10"
    assert told["credential", "1e5"]["inputs"]["api_key"] == CANARY_NUMBER
    assert told["job_template", "1e5: Report"]["project"] == str(told["project", "1e5"]["id"])


def test_what_may_be_set_is_passed_on(register: Registering) -> None:
    done, calls = register(
        sendgrid_awx_project_url=URL,
        sendgrid_awx_name="Ours",
        sendgrid_awx_template_prefix="Acme -",
        sendgrid_awx_execution_environment="Mail fleet",
        sendgrid_awx_vault_credentials=["Vault"],
        sendgrid_awx_slices=7,
        sendgrid_awx_key_folder="/srv/secrets",
        sendgrid_api="customer",
    )
    assert done.returncode == 0, done.stdout
    told = {(module, one["name"]): one for module, one in calls}
    assert told["credential", "Ours"]["inputs"]["api"] == "customer"
    # One that is there is left as it is.
    assert of_module(told, "execution_environment") == {}
    assert told["project", "Ours"]["default_environment"] == "Mail fleet"
    sliced = told["job_template", "Acme - Converge the fleet in slices"]
    assert (sliced["job_slice_count"], sliced["execution_environment"]) == (7, "Mail fleet")
    for name in (KEY_TEMPLATE, ONBOARD_TEMPLATE):
        assert told["job_template", f"Acme - {name}"]["extra_vars"] == {"customer_key_path": "/srv/secrets/"}
    assert sliced["credentials"] == [str(told["credential", "Ours"]["id"]), "Vault"]


# Registering where something is already, or where something is wrong


def names(awx: dict[str, Any], endpoint: str) -> list[str]:
    return [one["name"] for one in awx["objects"][endpoint]]


def by_name(awx: dict[str, Any], endpoint: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in awx["objects"][endpoint]}


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def of_project(awx: dict[str, Any], project: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in awx["objects"]["job_templates"] if one["project"] == project["id"]]


@pytest.fixture
def a_registered_awx(register: Registering) -> dict[str, Any]:
    awx = fresh_awx("Elsewhere")
    done, _calls = register(awx=awx, sendgrid_awx_project_url=URL)
    assert done.returncode == 0, done.stdout
    return awx


def at_a_terminal(
    command: list[str], answers: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs a command and answers its questions. Each question ends with a colon."""
    near, far = os.openpty()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=far, stdout=far, stderr=far, start_new_session=True
    ) as process:
        os.close(far)
        shown = b""
        waiting = list(answers)
        deadline = time.monotonic() + PATIENCE * 2
        while select.select([near], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                shown += os.read(near, 65536)
            except OSError:
                # So Linux tells that nobody has the other end any more.
                break
            if waiting and shown.rstrip(b" ").endswith(b"]:"):
                os.write(near, waiting.pop(0).encode() + b"\n")
        else:
            process.kill()
    os.close(near)
    return subprocess.CompletedProcess(command, process.returncode, shown.decode(), "")


@pytest.mark.parametrize("where", ["without a terminal", "Enter at both questions", "subusers, without a terminal"])
def test_a_credential_that_works_is_not_overwritten_with_nothing(
    register: Registering, a_registered_awx: dict[str, Any], where: str
) -> None:
    awx = a_registered_awx
    before = json.dumps(awx)
    folder = register.make_folder()
    command = ["ansible-playbook", "mailfleet.sendgrid.register_with_awx", "-e", f"sendgrid_awx_project_url={URL}"]
    command += ["-e", "sendgrid_api=subusers"] if "subusers" in where else []

    def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        if "Enter" in where:
            return at_a_terminal(command, ["", ""], folder, environment)
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )

    done, calls = register.against(awx, folder, run)
    assert done.returncode != 0
    told = (
        "The key of the account is required"
        if "subusers" in where
        else "The name and the key of the account are required"
    )
    assert told in said(done)
    assert (calls, json.dumps(awx)) == ([], before)


def test_an_execution_environment_must_be_there_or_be_made(register: Registering) -> None:
    awx = fresh_awx()
    done, calls = register(awx=awx, sendgrid_awx_project_url=URL, sendgrid_awx_execution_environment="Mail")
    assert (done.returncode != 0, calls) == (True, [])
    assert "AWX has no execution environment 'Mail'" in said(done)
    image = "registry.example/mail-fleet:1"
    done, _calls = register(
        awx=awx, sendgrid_awx_project_url=URL, sendgrid_awx_execution_environment="Mail", sendgrid_awx_image=image
    )
    assert done.returncode == 0, done.stdout
    made = by_name(awx, "execution_environments")["Mail"]
    assert made["image"] == image
    [project] = awx["objects"]["projects"]
    [source] = awx["objects"]["inventory_sources"]
    using = [project["default_environment"], source["execution_environment"]]
    using += [template["execution_environment"] for template in awx["objects"]["job_templates"]]
    assert set(using) == {made["id"]}


def test_the_project_brings_no_collections_of_its_own() -> None:
    """AWX would install them at each update, and use them in place of what the execution environment holds."""
    assert [path for path in PROJECT.rglob("*") if path.is_dir()] == []
    assert list(PROJECT.rglob("requirements*")) == []


def test_a_second_account_leaves_the_first_one_as_it_is(
    register: Registering, a_registered_awx: dict[str, Any]
) -> None:
    awx = a_registered_awx
    before = json.loads(json.dumps(awx["objects"]))
    done, _calls = register(awx=awx, sendgrid_awx_project_url=URL, sendgrid_awx_name="Other", sendgrid_api_user="birch")
    assert done.returncode == 0, done.stdout
    for endpoint, objects in before.items():
        assert awx["objects"][endpoint][: len(objects)] == objects, endpoint
    ours, other = awx["objects"]["projects"]
    assert [template["name"] for template in of_project(awx, other)] == [
        template["name"].replace("SendGrid customers: ", "Other: ") for template in of_project(awx, ours)
    ]
    credentials = by_name(awx, "credentials")
    assert {template["credentials"][0] for template in of_project(awx, other)} == {credentials["Other"]["id"]}
    assert credentials["Other"]["inputs"]["api_user"] == "birch"


def test_a_job_template_of_somebody_else_is_not_overwritten(
    register: Registering, a_registered_awx: dict[str, Any]
) -> None:
    before = json.dumps(a_registered_awx)
    done, calls = register(
        awx=a_registered_awx,
        sendgrid_awx_project_url=URL,
        sendgrid_awx_name="Other",
        sendgrid_awx_template_prefix="SendGrid customers:",
    )
    assert done.returncode != 0
    assert "'SendGrid customers: Report' exists, and belongs to another project than 'Other'" in said(done)
    assert (calls, json.dumps(a_registered_awx)) == ([], before)


def test_two_organizations_have_the_same_names(register: Registering, a_registered_awx: dict[str, Any]) -> None:
    """And both may be registered again."""
    awx = a_registered_awx
    image = {"sendgrid_awx_image": "registry.example/mail-fleet:1"}
    for organization in ("Elsewhere", "Default", "Elsewhere"):
        done, _calls = register(awx=awx, sendgrid_awx_project_url=URL, sendgrid_awx_organization=organization, **image)
        assert done.returncode == 0, done.stdout
    projects = awx["objects"]["projects"]
    assert [(project["name"], project["organization"]) for project in projects] == [
        ("SendGrid customers", 1),
        ("SendGrid customers", 2),
    ]
    owners = {
        (endpoint, one["id"]): one["organization"]
        for endpoint in ("credentials", "execution_environments", "inventories", "projects")
        for one in awx["objects"][endpoint]
        if "organization" in one
    }
    for project in projects:
        templates = of_project(awx, project)
        assert len(templates) == 7
        for template in templates:
            used = {
                owners["credentials", template["credentials"][0]],
                owners["inventories", template["inventory"]],
                owners["execution_environments", template["execution_environment"]],
                template["organization"],
            }
            assert used == {project["organization"]}


def test_a_project_that_could_not_be_fetched_is_fetched_again(register: Registering) -> None:
    awx = fresh_awx(repositories={})
    done, calls = register(awx=awx, sendgrid_awx_project_url=URL)
    assert done.returncode != 0
    assert f"AWX could not fetch the project 'SendGrid customers' from {URL}" in said(done)
    assert "The Project Update - SendGrid customers, failed" in said(done)
    assert [module for module, _told in calls] == ["credential_type", "credential", "project"]
    awx["repositories"] = fresh_awx()["repositories"]
    done, _calls = register(awx=awx, sendgrid_awx_project_url=URL)
    assert done.returncode == 0, done.stdout
    assert len(names(awx, "job_templates")) == 7


def test_an_awx_without_capacity_is_not_waited_for_without_an_end(register: Registering) -> None:
    done, _calls = register(awx=fresh_awx(has_capacity=False), sendgrid_awx_project_url=URL)
    assert done.returncode != 0
    assert "AWX did not begin within 600 seconds, so none of its nodes has capacity" in said(done)


def test_customers_that_cannot_be_listed_are_in_nobodys_way(register: Registering) -> None:
    awx = fresh_awx(has_broken_sources=True)
    done, _calls = register(awx=awx, sendgrid_awx_project_url=URL)
    assert done.returncode != 0
    assert "Everything was made, but AWX could not list the customers" in said(done)
    assert "The inventory_update - SendGrid customers, failed" in said(done)
    assert len(names(awx, "job_templates")) == 7


def test_only_the_first_time_takes_a_system_administrator(register: Registering) -> None:
    awx = fresh_awx(is_superuser=False)
    done, _calls = register(awx=awx, sendgrid_awx_project_url=URL)
    assert done.returncode != 0
    assert "You don't have permission" in said(done)
    for is_superuser in (True, False):
        awx["is_superuser"] = is_superuser
        done, _calls = register(awx=awx, sendgrid_awx_project_url=URL)
        assert done.returncode == 0, done.stdout


def test_awx_changes_no_fields_of_a_type_in_use(register: Registering, a_registered_awx: dict[str, Any]) -> None:
    """So an AWX that holds those of another release cannot be registered with again."""
    [stored] = a_registered_awx["objects"]["credential_types"]
    stored["inputs"]["fields"][0]["label"] = "Owner"
    done, _calls = register(awx=a_registered_awx, sendgrid_awx_project_url=URL)
    assert done.returncode != 0
    assert "Modifications to inputs are not allowed" in said(done)


def test_the_fields_of_a_type_with_this_name_never_change() -> None:
    """Not even a label. What needs others is a type with another name: see CONTRIBUTING.md."""
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    frozen = yaml.safe_load(FROZEN_FIELDS.read_text(encoding="utf-8"))
    assert {stored["name"]: stored["inputs"]} == frozen


# The guide


def test_the_commands_of_the_guide_register_as_they_stand_there(register: Registering) -> None:
    """In a shell, with the files of the guide, and somebody who answers. What else it shows, test_examples.py runs."""
    guide = blocks(GUIDE)
    folder = register.make_folder()
    for block in guide:
        if block.name.startswith("awx") and block.kind == "variables":
            (folder / block.name).write_text(block.text, encoding="utf-8")
    scripts = [block.text for block in guide if block.reason == "it needs an AWX"]
    answers = [["acme", KEY], ["birch", KEY]]
    assert len(scripts) == len(answers)
    awx = fresh_awx()
    for script, given in zip(scripts, answers):

        def run(environment: dict[str, str], script: str = script, given: list[str] = given) -> Any:
            return at_a_terminal(["bash", "-ex", "-c", script], given, folder, environment)

        done, _calls = register.against(awx, folder, run)
        assert done.returncode == 0, done.stdout
        assert CANARY not in done.stdout
    accounts = {one["name"]: one["inputs"] for one in awx["objects"]["credentials"] if "api_user" in one["inputs"]}
    assert [inputs["api_user"] for inputs in accounts.values()] == ["acme", "birch"]
    assert all(inputs["api_key"] == KEY for inputs in accounts.values())
    assert len(names(awx, "job_templates")) == len(set(names(awx, "job_templates"))) == 14
    assert set(names(awx, "projects")) == set(accounts)


# What a credential becomes


def test_the_credential_type_is_one_that_awx_takes() -> None:
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    assert stored["kind"] in ("cloud", "net")
    fields = {field["id"]: field for field in stored["inputs"]["fields"]}
    assert len(fields) == len(stored["inputs"]["fields"])
    assert "tower" not in fields
    allowed = set("id label type format choices help_text multiline secret ask_at_runtime default".split())
    for name, field in fields.items():
        assert re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", name)
        assert set(field) <= allowed and {"id", "label"} <= set(field)
        assert field["type"] == "string" and field.get("format", "url") in ("url", "ssh_private_key")
        assert all_are(str, [field.get("default", "")])
    assert [name for name, field in fields.items() if field.get("secret")] == ["api_key"]
    assert set(stored["inputs"]["required"]) <= set(fields)
    assert set(stored["injectors"]) == {"env"}
    strict = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for name, template in stored["injectors"]["env"].items():
        assert re.fullmatch("[a-zA-Z_]+[a-zA-Z0-9_]*", name) and not name.startswith("ANSIBLE_")
        assert template.isascii()
        # Fails for a field that is not declared.
        strict.from_string(template).render(dict.fromkeys(fields, "EXAMPLE"))
        # AWX has no value for a field that is left empty, and renders the same all the same.
        strict.from_string(template).render(dict.fromkeys(stored["inputs"]["required"], "EXAMPLE"))


def test_the_credential_type_offers_each_api() -> None:
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    fields = {field["id"]: field for field in stored["inputs"]["fields"]}
    assert (fields["api"]["choices"], fields["api"]["default"]) == (list(CHOICES), CHOICES[0])
    assert stored["inputs"]["required"] == ["api_key"]
    # What the form proposes is injected: an address would be that of one API only.
    assert [name for name, field in fields.items() if "default" in field] == ["api"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="AWX's own code needs Python 3.11")
def test_awx_injects_the_account(tmp_path: Path) -> None:
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    urls = {"api_url": "https://mail.example/apiv2", "eu_api_url": "https://mail.example/eu/v3"}
    given = {**MINE, **urls, "api": "customer"}
    made, shown = injected(stored, given, tmp_path)
    assert made == {f"SENDGRID_{name.upper()}": value for name, value in given.items()}
    assert {**shown, "SENDGRID_API_KEY": ""} == {**made, "SENDGRID_API_KEY": ""}
    assert CANARY not in json.dumps(shown)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("empty", [{}, {"api_user": "", "api_url": "", "eu_api_url": "", "api": ""}])
def test_what_is_left_empty_is_left_to_the_collection(empty: dict[str, str], tmp_path: Path) -> None:
    """AWX sets a variable for each template, even if the result is empty."""
    stored = yaml.safe_load(CREDENTIAL_TYPE.read_text(encoding="utf-8"))
    made, _shown = injected(stored, {"api_key": KEY, **empty}, tmp_path)
    unset = dict.fromkeys(("SENDGRID_API_USER", "SENDGRID_API_URL", "SENDGRID_EU_API_URL"), "")
    assert made == {**unset, "SENDGRID_API_KEY": KEY, "SENDGRID_API": "reseller"}


# Jobs


@pytest.fixture(scope="module")
def _sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    customers = [seeded(name, password=OLD) for name in FLEET]
    accounts = [{**MINE, "v3_key": V3_KEY, "domains": [{"domain": "lantern.example"}]}]
    seed.write_text(json.dumps({"accounts": accounts, "customers": customers}), encoding="utf-8")
    with sandboxes(seed) as get:
        yield get


@pytest.fixture
def sandbox(_sandboxes: Callable[[str], Sandbox]) -> Sandbox:
    running = _sandboxes("observed")
    running.reset()
    return running


@pytest.fixture(params=["reseller"])
def awx(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path, collections_path: Path, registered: Any
) -> Iterator[Controller]:
    """AWX with all that was registered. No job may leave a secret anywhere, or evaluate what it was given.

    A credential as people fill it in: for each API what it needs, and the rest empty.
    """
    inputs = {
        "reseller": {**MINE, "api_url": sandbox.api_url, "eu_api_url": "", "api": ""},
        SUBUSERS: {"api_user": "", "api_key": V3_KEY, "api_url": sandbox.v3_url, "eu_api_url": "", "api": SUBUSERS},
    }[request.param]
    controller = Controller(sandbox, tmp_path, collections_path, registered, inputs)
    yield controller
    assert list(tmp_path.rglob("evaluated")) == []
    for number in range(1, controller.jobs + 1):
        left = controller.folder / f"job-{number}" / "artifacts"
        for path in left.rglob("*"):
            assert not path.is_file() or CANARY not in path.read_text(encoding="utf-8"), path


BOTH_APIS = pytest.mark.parametrize("awx", ["reseller", SUBUSERS], indirect=True)


def written(sandbox: Sandbox) -> Counter[str]:
    """How many writes the service got for each customer."""
    return Counter(call["user"] for call in sandbox.log() if call["attempted_write"])


def succeeded(job: Job) -> Job:
    assert job.status == "successful", job.stdout
    assert "DEPRECATION WARNING" not in job.stdout
    assert job.of("runner_on_failed") == job.of("runner_on_unreachable") == []
    return job


def test_the_environment_in_clear_is_in_one_file_only(awx: Controller) -> None:
    """ansible-runner keeps it there, for whoever looks into a job that went wrong: the documentation says so."""
    running = awx.launch("Disable a customer", customer_username=FLEET[0])
    running.process.communicate(timeout=PATIENCE)
    artifacts = running.folder / "artifacts" / running.ident
    holders = [
        path.name for path in artifacts.rglob("*") if path.is_file() and CANARY in path.read_text(encoding="utf-8")
    ]
    assert holders == ["command"]
    assert running.wait().status == "successful"


@BOTH_APIS
def test_disable_a_customer(awx: Controller, sandbox: Sandbox) -> None:
    """API v3 does not show who may log in, so the website is taken away again each time."""
    predicted = succeeded(awx.run("Disable a customer", job_type="check", customer_username=FLEET[0]))
    assert written(sandbox) == {}
    done = succeeded(awx.run("Disable a customer", customer_username=FLEET[0]))
    assert set(written(sandbox)) == {FLEET[0]}
    assert predicted.changed == done.changed == {"localhost": 1}
    stored = sandbox.customers()[FLEET[0]]
    assert (stored["active"], stored["website_access"]) == (False, False)
    before = len(sandbox.log())
    again = succeeded(awx.run("Disable a customer", customer_username=FLEET[0]))
    is_v3 = awx.inputs["api"] == SUBUSERS
    writes = [call["operation"] for call in sandbox.log(before) if call["attempted_write"]]
    assert (again.changed, writes) == (({"localhost": 1}, ["disable_website"]) if is_v3 else ({}, []))


BLANK = ["", "  ", None]


@pytest.mark.parametrize(
    ("answer", "may_log_in"),
    [*((blank, False) for blank in BLANK), ("yes", False), (True, False), ("no", True), ("False", True), (False, True)],
)
def test_who_may_still_log_in(awx: Controller, sandbox: Sandbox, answer: object, may_log_in: bool) -> None:
    """A blank answer counts as no answer, and permits nothing."""
    succeeded(awx.run("Disable a customer", customer_username=FLEET[0], customer_website_off=answer))
    stored = sandbox.customers()[FLEET[0]]
    assert (stored["active"], stored["website_access"]) == (False, may_log_in)


@pytest.mark.parametrize(
    ("template", "answers", "told"),
    [
        ("Disable a customer", {"customer_username": FLEET[0], "customer_website_off": "perhaps"}, "yes or no"),
        ("Disable a customer", {"customer_username": " "}, "customer_username is required"),
        ("Reset a password", {"customer_username": None, "customer_password": NEW}, "customer_username and"),
        (
            "Reset a password",
            {"customer_username": FLEET[0], "customer_password": " " * 8},
            "customer_password are required",
        ),
        ("Converge the fleet", {"fleet_files": ""}, "either fleet_customers or fleet_file is required"),
        ("Converge the fleet", {"fleet_purge": "perhaps"}, "argument 'fleet_purge' is of type"),
        ("Converge the fleet", {"fleet_max_deletions": "some"}, "argument 'fleet_max_deletions' is of type"),
        (
            "Converge the fleet",
            {"fleet_purge": "yes", "fleet_max_deletions": ""},
            "fleet_purge needs fleet_max_deletions",
        ),
        ("Report", {"fleet_report_chart": "name"}, "fleet_report_chart must be one of: country, region, city"),
        (
            "Report",
            {"fleet_files": " ", "fleet_report_purge": "yes"},
            "fleet_report_purge needs a declared fleet",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_call(
    awx: Controller, sandbox: Sandbox, template: str, answers: dict[str, Any], told: str
) -> None:
    declare(awx)
    job = awx.run(template, **answers)
    assert job.status == "failed", job.stdout
    assert told in job.errors
    assert CANARY not in job.stdout
    assert sandbox.log() == []


@BOTH_APIS
def test_a_customer_that_is_not_there_is_not_created(awx: Controller, sandbox: Sandbox) -> None:
    job = awx.run("Disable a customer", customer_username="nobody@example.com")
    assert job.status == "failed"
    assert "nobody@example.com' does not exist" in job.errors
    assert written(sandbox) == {}


def test_reset_a_password(awx: Controller, sandbox: Sandbox) -> None:
    """The password is what it was typed as, although it looks like a template. The fixture looks for it everywhere."""
    settings = {"customer_username": FLEET[1], "customer_password": NEW}
    done = succeeded(awx.run("Reset a password", **settings))
    assert written(sandbox) == {FLEET[1]: 1}
    assert done.changed == {"localhost": 1}
    assert is_the_password_of(sandbox, FLEET[1], NEW)
    again = succeeded(awx.run("Reset a password", **settings))
    assert again.changed == {}
    assert written(sandbox) == {FLEET[1]: 1}


@pytest.mark.parametrize("awx", [SUBUSERS], indirect=True)
@pytest.mark.parametrize("job_type", ["check", "run"])
def test_api_v3_resets_no_password(awx: Controller, sandbox: Sandbox, job_type: str) -> None:
    """Before any call, and with what to do instead. The fixture looks for the password everywhere."""
    settings = {"customer_username": FLEET[1], "customer_password": NEW}
    job = awx.run("Reset a password", job_type=job_type, **settings)
    assert job.status == "failed"
    assert "cannot be used with api=subusers" in job.errors and "on the website" in job.errors
    assert sandbox.log() == []


@pytest.mark.parametrize("password", ["0123456", "2024-01-01", "1_000_000"])
def test_nobody_gets_a_password_that_was_not_typed(awx: Controller, sandbox: Sandbox, password: str) -> None:
    """Newer releases of Ansible make something else of such an answer, before a playbook can look at it."""
    job = awx.run("Reset a password", customer_username=FLEET[1], customer_password=password)
    if job.status == "successful":
        assert is_the_password_of(sandbox, FLEET[1], password)
    else:
        assert "If the password is one of these, choose another one." in job.errors
        assert sandbox.log() == []


def is_the_password_of(sandbox: Sandbox, username: str, password: str) -> bool:
    """Asks the service, without the collection."""
    body = {**MINE, "method": "auth", "user": username, "password": password}
    answer = sandbox.http.post(f"{sandbox.api_url}/reseller.manage.json", data=body, timeout=30)
    return answer.json() == {"message": "success"}


def test_a_password_that_the_service_refuses_is_not_told(awx: Controller, sandbox: Sandbox) -> None:
    sandbox.set_fault("writes", "echo", times="forever")
    job = awx.run("Reset a password", customer_username=FLEET[1], customer_password=NEW)
    assert job.status == "failed"
    assert FLEET[1] in job.errors
    assert "the server said (a message that repeats a secret is not shown)" in job.errors


# API keys of customers

# Before ansible-core 2.19 there are two ways to evaluate templates, and this one makes numbers of texts.
natively = pytest.mark.parametrize("native", [False, True] if CORE < (2, 19) else [False])
KEY_TEMPLATE = "Give a customer a key"
ONBOARD_TEMPLATE = "Onboard a customer"
API_V3 = pytest.mark.parametrize("awx", [SUBUSERS], indirect=True)
NEWS = {"customer_username": FLEET[0], "customer_key_name": "news", "customer_key_scopes": "mail.send, stats.read"}


def folder_for_keys(awx: Controller) -> Path:
    """A folder of this test in place of the registered one."""
    folder = awx.folder / "keys"
    folder.mkdir()
    variables = {"customer_key_path": f"{folder}/"}
    awx.calls = {
        call: {**told, "extra_vars": variables} if "customer_key_path" in (told.get("extra_vars") or {}) else told
        for call, told in awx.calls.items()
    }
    return folder


def stored_keys(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.control("GET", "api-keys")


def secret_in(path: Path) -> str:
    """The secret in a file, which nobody else may read."""
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text(encoding="utf-8")
    assert secret.startswith("SG.") and not secret.isspace()
    return secret


@API_V3
def test_give_a_customer_a_key(awx: Controller, sandbox: Sandbox) -> None:
    folder = folder_for_keys(awx)
    file = folder / f"{FLEET[0]}.news.key"
    jobs = [awx.run("Give a customer a key", job_type="check", **NEWS)]
    assert (stored_keys(sandbox), list(folder.iterdir())) == ([], [])
    jobs.append(awx.run(KEY_TEMPLATE, **NEWS))
    [key] = stored_keys(sandbox)
    assert (key["name"], set(key["scopes"]) >= {"mail.send", "stats.read"}) == ("news", True)
    secret, changed = secret_in(file), file.stat().st_mtime_ns
    before = len(sandbox.log())
    jobs += [awx.run(KEY_TEMPLATE, job_type=kind, **NEWS) for kind in ("check", "run")]
    assert (stored_keys(sandbox), file.stat().st_mtime_ns) == ([key], changed)
    assert [call for call in sandbox.log(after=before) if call["attempted_write"]] == []
    assert [bool(succeeded(job).changed) for job in jobs] == [True, True, False, False]
    told = [job.of("runner_on_ok")[-1]["res"]["msg"] for job in jobs]
    assert told[0] == (
        f"The key 'news' of customer '{FLEET[0]}' would be created. Its secret would be in the file {file}."
    )
    assert told[1] == f"The key 'news' of customer '{FLEET[0]}' was created. Its secret is in the file {file}."
    assert told[2].strip() == told[3].strip() == f"The key 'news' of customer '{FLEET[0]}' is as it should be."
    for job in jobs:
        # In no event, output, artifact or cache.
        assert job.kept == {}
        assert secret not in job.everything and secret not in json.dumps(job.events)


@API_V3
def test_a_key_is_replaced_when_it_is_said(awx: Controller, sandbox: Sandbox) -> None:
    folder = folder_for_keys(awx)
    file = folder / f"{FLEET[0]}.news.key"
    succeeded(awx.run(KEY_TEMPLATE, **NEWS))
    [former], former_secret = stored_keys(sandbox), secret_in(file)
    jobs = [succeeded(awx.run(KEY_TEMPLATE, job_type="check", customer_key_rotate="yes", **NEWS))]
    assert (stored_keys(sandbox), secret_in(file)) == ([former], former_secret)
    jobs.append(succeeded(awx.run(KEY_TEMPLATE, customer_key_rotate="yes", **NEWS)))
    [key], secret = stored_keys(sandbox), secret_in(file)
    assert key["api_key_id"] != former["api_key_id"] and secret != former_secret
    assert [path.name for path in folder.iterdir()] == [file.name]
    for job, was in zip(jobs, ("would be", "was")):
        assert f"{was} replaced" in job.of("runner_on_ok")[-1]["res"]["msg"]
        assert secret not in job.everything and former_secret not in job.everything


@API_V3
def test_a_secret_that_is_lost_is_told(awx: Controller, sandbox: Sandbox) -> None:
    """A key that exists, and no file: only another key helps."""
    file = folder_for_keys(awx) / f"{FLEET[0]}.news.key"
    succeeded(awx.run(KEY_TEMPLATE, **NEWS))
    file.unlink()
    before = len(sandbox.log())
    job = succeeded(awx.run(KEY_TEMPLATE, **NEWS))
    told = job.of("runner_on_ok")[-1]["res"]["msg"]
    assert f"There is no file {file}, and nobody can read the secret" in told
    assert "customer_key_rotate=true" in told
    assert job.changed == {} and not file.exists()
    assert [call for call in sandbox.log(after=before) if call["attempted_write"]] == []
    succeeded(awx.run(KEY_TEMPLATE, customer_key_rotate="yes", **NEWS))
    assert secret_in(file)


@API_V3
def test_a_key_that_is_made_half_way_is_kept(awx: Controller, sandbox: Sandbox) -> None:
    """The former key could not be deleted: the job fails, and the secret of the new one is in the file."""
    file = folder_for_keys(awx) / f"{FLEET[0]}.news.key"
    succeeded(awx.run(KEY_TEMPLATE, **NEWS))
    [former], former_secret = stored_keys(sandbox), secret_in(file)
    sandbox.set_fault("delete_api_key", "not-found", times="forever")
    job = awx.run(KEY_TEMPLATE, customer_key_rotate="yes", **NEWS)
    assert job.status == "failed"
    secret = secret_in(file)
    assert secret != former_secret and secret not in job.everything
    assert former["api_key_id"] in job.errors and f"Its secret is in the file {file}." in job.errors
    assert len(stored_keys(sandbox)) == 2


@API_V3
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"customer_username": " "}, "customer_key_path are required"),
        ({"customer_key_name": None}, "customer_key_path are required"),
        ({"customer_key_scopes": " , "}, "customer_key_path are required"),
        ({"customer_key_name": "2024-01-01"}, "customer_key_path are required"),
        ({"customer_key_rotate": "perhaps"}, "customer_key_rotate must be yes or no"),
        ({"customer_key_name": "../news"}, "cannot contain a slash"),
        ({"customer_key_name": "n" * 300}, "File name too long"),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused(
    awx: Controller, sandbox: Sandbox, answers: dict[str, Any], told: str
) -> None:
    folder = folder_for_keys(awx)
    job = awx.run(KEY_TEMPLATE, **{**NEWS, **answers})
    if "2024-01-01" in answers.values() and CORE < (2, 19):
        assert job.status == "successful"
        return
    assert job.status == "failed", job.stdout
    assert told in job.errors
    assert (sandbox.log(), list(folder.iterdir())) == ([], [])


@pytest.mark.parametrize("customer", [FLEET[0], "nobody@example.com"])
def test_api_v2_has_no_keys_of_customers(awx: Controller, sandbox: Sandbox, customer: str) -> None:
    """With the reason, although the result of the task is hidden."""
    folder_for_keys(awx)
    job = awx.run(KEY_TEMPLATE, **{**NEWS, "customer_username": customer})
    assert job.status == "failed"
    assert "set api to subusers" in job.errors
    assert sandbox.log() == []


def put_key(sandbox: Sandbox, username: str, name: str) -> None:
    """Makes a key without the collection."""
    headers = {"Authorization": f"Bearer {V3_KEY}", "On-Behalf-Of": username}
    body = {"name": name, "scopes": ["mail.send"]}
    answer = sandbox.http.post(f"{sandbox.v3_url}/api_keys", json=body, headers=headers, timeout=30)
    assert answer.ok, answer.text


@API_V3
def test_a_file_of_something_else_is_never_replaced(awx: Controller, sandbox: Sandbox) -> None:
    """It could be anything, and no key is made whose secret has no place."""
    place = awx.folder / "place"
    place.mkdir()
    (place / "notes").write_text("remember: SG.\n", encoding="utf-8")
    (place / "large").write_bytes(b"SG." + b"x" * 1000)
    (place / "link").symlink_to(place / "notes")
    (place / "folder").mkdir()
    for name, told in {
        "notes": "does not hold the secret of a key",
        "large": "does not hold the secret of a key",
        "link": "does not hold the secret of a key",
        "folder": "It is not a file, or it cannot be read",
        "none/file": "The folder does not exist",
    }.items():
        done = from_a_shell(awx, "give_customer_key", {**NEWS, "customer_key_path": str(place / name)})
        assert done.returncode != 0
        assert told in said(done), name
    assert sandbox.log() == []
    assert (place / "notes").read_text(encoding="utf-8") == "remember: SG.\n"
    # That of an earlier key is, and the message says so.
    former = place / "former"
    former.write_text("SG.former.secret\n", encoding="utf-8")
    done = from_a_shell(awx, "give_customer_key", {**NEWS, "customer_key_path": str(former)})
    assert done.returncode == 0, done.stdout
    assert "SG.former.secret" not in secret_in(former)
    assert "It held the secret of another key before." in said(done)


@API_V3
@natively
def test_keys_from_a_shell(awx: Controller, sandbox: Sandbox, native: bool) -> None:
    """Scopes as a list, a path from the folder that the run is started in, texts that look like something else."""
    settings = {"ANSIBLE_JINJA2_NATIVE": "true"} if native else {}
    arguments = ["-vvvv", "--diff"]
    variables = {**NEWS, "customer_key_scopes": ["mail.send", " stats.read "], "customer_key_name": "1e5"}
    secrets = []
    for rotate in (None, "", " ", "no", True):
        given = {**variables, "customer_key_path": "news.key", "customer_key_rotate": rotate}
        done = from_a_shell(awx, "give_customer_key", given, *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "DEPRECATION" not in done.stdout + done.stderr
        secrets.append(secret_in(awx.folder / "news.key"))
        assert secrets[-1] not in done.stdout + done.stderr
    assert (len(set(secrets)), secrets[0]) == (2, secrets[3])
    [key] = stored_keys(sandbox)
    assert (key["name"], "stats.read" in key["scopes"]) == ("1e5", True)
    # Names may be encrypted one by one.
    username, name = encrypted_values(FLEET[1], "news")
    given = {**NEWS, "customer_username": username, "customer_key_name": name, "customer_key_path": f"{awx.folder}/"}
    vault = ["--vault-password-file", str(password_file(awx.folder))]
    done = from_a_shell(awx, "give_customer_key", given, *vault, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert secret_in(awx.folder / f"{FLEET[1]}.news.key")


@API_V3
def test_two_keys_of_one_name_are_an_error_of_the_job(awx: Controller, sandbox: Sandbox) -> None:
    folder = folder_for_keys(awx)
    for _number in range(2):
        put_key(sandbox, FLEET[0], "news")
    job = awx.run(KEY_TEMPLATE, customer_key_rotate="yes", **NEWS)
    assert job.status == "failed"
    assert all(key["api_key_id"] in job.errors for key in stored_keys(sandbox))
    assert list(folder.iterdir()) == []


# A customer with all that belongs to it

LENA = "lena@example.com"
LENAS = {
    "customer_username": LENA,
    "customer_email": LENA,
    "customer_password": "canary-lena-4711",
    "customer_domain": "lantern.example",
    "customer_credits_type": "recurring",
    "customer_credits_total": 5000,
    "customer_key_name": "website",
}
ALL_OF_LENA = ["create", "set_credits", "associate_domain", "create_api_key"]


def writes(sandbox: Sandbox, after: int = 0) -> list[str]:
    return [call["operation"] for call in sandbox.log(after=after) if call["attempted_write"]]


def messages(job: Job) -> list[str]:
    """What the playbook told with tasks of its own."""
    told = [event for event in job.of("runner_on_ok") if event["task_action"] == "ansible.builtin.debug"]
    return [event["res"]["msg"].strip() for event in told]


@API_V3
def test_onboard_a_customer(awx: Controller, sandbox: Sandbox) -> None:
    """Check mode and a real run, with something to do and without; then with one thing to do."""
    file = folder_for_keys(awx) / f"{LENA}.website.key"
    predicted = succeeded(awx.run("Onboard a customer", job_type="check", **LENAS))
    assert (writes(sandbox), stored_keys(sandbox), file.exists()) == ([], [], False)
    done = succeeded(awx.run("Onboard a customer", **LENAS))
    assert writes(sandbox) == ALL_OF_LENA
    [key], secret = stored_keys(sandbox), secret_in(file)
    assert (key["name"], "mail.send" in key["scopes"]) == ("website", True)
    stored = sandbox.customers()[LENA]
    assert (stored["email"], stored["domains"]) == (LENA, [1])
    assert (stored["credits"]["type"], stored["credits"]["total"]) == ("recurring", 5000)
    assert stored["credits"]["reset_frequency"] == "monthly"
    assert messages(predicted) == [
        f"Customer '{LENA}' would be created. Then the key 'website' would be created. Check mode cannot look at the"
        " keys of a customer that does not exist."
    ]
    assert messages(done) == [
        f"Customer '{LENA}' was created.",
        f"The key 'website' of customer '{LENA}' was created. Its secret is in the file {file}.",
    ]

    before = len(sandbox.log())
    again = [succeeded(awx.run("Onboard a customer", job_type=kind, **LENAS)) for kind in ("check", "run")]
    assert writes(sandbox, before) == []
    for job in again:
        assert job.changed == {}
        assert messages(job) == [
            f"Customer '{LENA}' is as it should be.",
            f"The key 'website' of customer '{LENA}' is as it should be.",
        ]
    # Check mode sees the keys of a customer that is there. An existing customer needs no password.
    more = {**LENAS, "customer_credits_type": "unlimited", "customer_key_name": "news", "customer_password": ""}
    checked = succeeded(awx.run("Onboard a customer", job_type="check", **more))
    assert (writes(sandbox, before), checked.changed) == ([], {"localhost": 2})
    assert "The key 'news' of customer 'lena@example.com' would be created." in messages(checked)[1]
    changed = succeeded(awx.run("Onboard a customer", **more))
    assert writes(sandbox, before) == ["set_credits", "create_api_key"]
    assert messages(changed)[0] == f"Customer '{LENA}' was changed."
    for job in (predicted, done, *again, checked, changed):
        assert secret not in job.everything and secret not in json.dumps(job.events)


@API_V3
def test_an_onboarding_that_ended_early_goes_on(awx: Controller, sandbox: Sandbox) -> None:
    """The next run makes the rest, and nothing twice."""
    file = folder_for_keys(awx) / f"{LENA}.website.key"
    sandbox.set_fault("create_api_key", "not-found", times=1)
    job = awx.run("Onboard a customer", **LENAS)
    assert job.status == "failed" and not file.exists()
    before = len(sandbox.log())
    succeeded(awx.run("Onboard a customer", **LENAS))
    assert writes(sandbox, before) == ["create_api_key"]
    assert secret_in(file)


@API_V3
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"customer_username": " "}, "customer_username is required"),
        ({"customer_password": "2024-01-01"}, "does not arrive as a text"),
        ({"customer_key_name": "../news"}, "cannot contain a slash"),
        ({"customer_credits_total": ""}, "total"),
    ],
)
def test_an_onboarding_that_cannot_be_meant_is_refused(
    awx: Controller, sandbox: Sandbox, answers: dict[str, Any], told: str
) -> None:
    folder = folder_for_keys(awx)
    job = awx.run("Onboard a customer", **{**LENAS, **answers})
    assert job.status == "failed", job.stdout
    # Before ansible-core 2.19, a date stays a text, and the module refuses it as a password of a new customer.
    assert told in job.errors or (CORE < (2, 19) and "password" in job.errors)
    assert (writes(sandbox), list(folder.iterdir())) == ([], [])


@API_V3
def test_a_new_customer_needs_a_password_and_an_address(awx: Controller, sandbox: Sandbox) -> None:
    """One sentence names both."""
    folder_for_keys(awx)
    job = awx.run("Onboard a customer", **{**LENAS, "customer_password": "", "customer_email": None})
    assert job.status == "failed"
    assert "email" in job.errors and "password" in job.errors
    assert writes(sandbox) == []


def test_api_v2_onboards_nobody(awx: Controller, sandbox: Sandbox) -> None:
    folder_for_keys(awx)
    job = awx.run("Onboard a customer", **LENAS)
    assert job.status == "failed"
    assert "This playbook needs API v3" in job.errors
    assert sandbox.log() == []


@API_V3
@natively
def test_an_onboarding_from_a_shell(awx: Controller, sandbox: Sandbox, native: bool) -> None:
    """With a profile, credits as a dict, and no key; what is blank counts as not given."""
    settings = {"ANSIBLE_JINJA2_NATIVE": "true"} if native else {}
    names = "data_residency domain credits_total key_name key_scopes key_path key_rotate"
    given = {
        **{name: LENAS[name] for name in ("customer_username", "customer_email", "customer_password")},
        "customer_profile": {"zip": "1_234_567", "city": "1e5", "phone": "+12075550112", "company": None},
        "customer_credits": {"type": "recurring", "total": 70, "reset_frequency": "weekly"},
        **{f"customer_{name}": blank for name, blank in zip(names.split(), BLANK * 3)},
    }
    for operations in (["create", "set_profile", "set_credits"], []):
        before = len(sandbox.log())
        done = from_a_shell(awx, "onboard_customer", given, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "DEPRECATION" not in done.stdout + done.stderr and CANARY not in done.stdout + done.stderr
        assert writes(sandbox, before) == operations
    stored = sandbox.customers()[LENA]
    assert (stored["zip"], stored["city"], stored["phone"]) == ("1_234_567", "1e5", "+12075550112")
    done = from_a_shell(awx, "onboard_customer", {**given, "customer_profile": {"state": "absent"}}, **settings)
    assert done.returncode != 0
    assert "the keys of customer_profile must be among first_name" in said(done)


# The whole fleet


def declare(awx: Controller, **variables: Any) -> None:
    customers = [{"username": name} for name in FLEET]
    awx.write("fleet.yml", {"fleet_customers": customers, "fleet_defaults": {}, **variables})


def moved(first: int) -> list[dict[str, Any]]:
    """The fleet, with the first customers in another city."""
    return [{"username": name, **({"city": "Bangor"} if name in FLEET[:first] else {})} for name in FLEET]


@BOTH_APIS
def test_converge_the_fleet(awx: Controller, sandbox: Sandbox) -> None:
    """In check mode unless it is said otherwise. Only counts are kept with a job."""
    declare(awx, fleet_customers=moved(3))
    predicted = succeeded(awx.run("Converge the fleet"))
    assert written(sandbox) == {}
    done = succeeded(awx.run("Converge the fleet", job_type="run"))
    assert written(sandbox) == dict.fromkeys(FLEET[:3], 1)
    assert predicted.changed == done.changed == {"localhost": 1}
    assert predicted.kept == done.kept
    counts = done.kept.pop("sendgrid_fleet")
    assert counts == {**dict.fromkeys(counts, 0), "updated": 3, "unchanged": 7}
    assert done.kept == {}
    assert "3 updated, 7 unchanged" in done.stdout
    again = succeeded(awx.run("Converge the fleet", job_type="run"))
    assert again.changed == {}
    assert again.kept["sendgrid_fleet"]["unchanged"] == 10


@BOTH_APIS
@pytest.mark.parametrize(("most", "status"), [(3, "successful"), (2, "failed")])
def test_a_purge_has_a_ceiling(awx: Controller, sandbox: Sandbox, most: int, status: str) -> None:
    declare(awx, fleet_customers=moved(1)[:-3])
    job = awx.run("Converge the fleet", job_type="run", fleet_purge="yes", fleet_max_deletions=most)
    assert job.status == status
    assert len(sandbox.customers()) == (7 if status == "successful" else 10)
    assert job.kept["sendgrid_fleet"]["deleted"] == (3 if status == "successful" else 0)
    assert status == "successful" or written(sandbox) == {}


@BOTH_APIS
def test_counts_are_kept_of_a_job_that_failed(awx: Controller, sandbox: Sandbox) -> None:
    declare(awx, fleet_customers=[*moved(2), {"username": "new@example.com"}])
    job = awx.run("Converge the fleet", job_type="run")
    assert job.status == "failed"
    assert (job.kept["sendgrid_fleet"]["updated"], job.kept["sendgrid_fleet"]["failed"]) == (2, 1)
    assert "new@example.com" in job.errors
    assert "@" not in json.dumps(job.kept)


def test_passwords_in_a_file_that_is_encrypted(awx: Controller, sandbox: Sandbox) -> None:
    declare(awx, fleet_defaults={"update_password": "always"})
    passwords = yaml.safe_dump({"fleet_passwords": {**dict.fromkeys(FLEET, OLD), FLEET[4]: "canary-other-4711"}})
    awx.write("more.yml", encrypted(passwords, VAULT))
    awx.vault_password = VAULT
    job = succeeded(awx.run("Converge the fleet", job_type="run", fleet_files="fleet.yml,more.yml"))
    assert written(sandbox) == {FLEET[4]: 1}
    assert job.kept["sendgrid_fleet"]["updated"] == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "There is no file 'more.yml'"),
        ("fleet_passwords: {a@example.com: canary-4711", "Not all of fleet.yml,more.yml can be read"),
        ("", "Not all of fleet.yml,more.yml can be read"),
    ],
    ids=["missing", "no YAML", "encrypted, without the password"],
)
def test_a_file_that_cannot_be_read(awx: Controller, sandbox: Sandbox, content: str | None, told: str) -> None:
    declare(awx)
    if content is not None:
        awx.write("more.yml", content or encrypted("fleet_passwords: {}", VAULT))
    job = awx.run("Converge the fleet", job_type="run", fleet_files="fleet.yml,more.yml")
    assert job.status == "failed"
    assert told in job.errors
    assert sandbox.log() == []


def test_a_job_that_is_cancelled_can_be_launched_again(awx: Controller, sandbox: Sandbox) -> None:
    """It is killed, and does not get to say a last word. Until then it tells how it gets on."""
    declare(awx, fleet_customers=moved(10))
    awx.write("fleet.yml", {**yaml.safe_load((awx.project / "fleet.yml").read_text("utf-8")), "fleet_concurrency": 1})
    sandbox.set_fault("set_profile", "delay", seconds=1, times="forever")
    running = awx.launch("Converge the fleet", job_type="run")
    deadline = time.monotonic() + PATIENCE
    while "customers done" not in running.stdout:
        assert time.monotonic() < deadline and running.process.poll() is None, running.stdout
        time.sleep(0.1)
    running.cancel()
    job = running.wait()
    assert job.status == "canceled"
    assert re.search(r"reseller_customers: \d of 10 customers done, 0 failed, \d+ per (minute|second)", job.stdout)
    done = {name for name, customer in sandbox.customers().items() if customer["city"] == "Bangor"}
    assert 0 < len(done) < len(FLEET)
    sandbox.http.delete(f"{sandbox.root}/_sandbox/faults", timeout=30)
    again = succeeded(awx.run("Converge the fleet", job_type="run"))
    assert again.kept["sendgrid_fleet"]["updated"] == len(FLEET) - len(done)
    assert all(customer["city"] == "Bangor" for customer in sandbox.customers().values())


@pytest.mark.parametrize("blank", BLANK)
def test_blank_answers_about_a_fleet_are_none(awx: Controller, sandbox: Sandbox, blank: str | None) -> None:
    """No purge, and a page about all that is there."""
    declare(awx, fleet_customers=moved(1)[:-1], fleet_passwords=blank, fleet_defaults=blank)
    job = awx.run("Converge the fleet", job_type="run", fleet_purge=blank, fleet_max_deletions=blank)
    assert succeeded(job).kept["sendgrid_fleet"]["updated"] == 1
    assert written(sandbox) == {FLEET[0]: 1}
    page = at_a_path_of_its_own(awx)
    job = awx.run("Report", fleet_files=blank, fleet_report_purge=blank, fleet_report_chart=blank)
    assert succeeded(job).kept["sendgrid_report"]["drift"] == {}
    assert "Customers by country" in page.read_text(encoding="utf-8")


# What no survey asks, but -e can set: by playbook, every variable of the collection's own playbooks.
FLEET_VARIABLES = "file defaults passwords purge max_deletions concurrency on_error names_shown files"
REPORT_VARIABLES = (
    "title customers file defaults passwords purge filters details columns chart refresh mode owner group"
)
ALL_VARIABLES = {
    "converge_fleet": [f"fleet_{name}" for name in FLEET_VARIABLES.split()],
    "converge_slice": [f"fleet_{name}" for name in "customer file defaults passwords files hosts".split()],
    "disable_customer": ["customer_website_off"],
    "report": ["fleet_file", "fleet_files", *(f"fleet_report_{name}" for name in REPORT_VARIABLES.split())],
}


# What each of them calls, by whether it is API v3
CALLED = {
    "converge_fleet": (
        Counter(list=1, set_profile=1),
        Counter(list=2, get_username=2, get_profile=1, set_profile=1),
    ),
    "converge_slice": (Counter(list=1), Counter(list=1)),
    "disable_customer": (Counter(list=2, disable=1, disable_website=1),) * 2,
    "report": (Counter(list=2), Counter(list=4, get_username=2, get_profile=len(FLEET) + 1)),
}


def from_a_shell(
    awx: Controller, playbook: str, variables: dict[str, Any], *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    given = awx.folder / "given.yml"
    given.write_text(yaml.safe_dump(variables), encoding="utf-8")
    return commands(awx.collections_path, **settings).run(
        ["ansible-playbook", f"mailfleet.sendgrid.{playbook}", "--extra-vars", f"@{given}", *arguments],
        awx.folder,
        {**awx.environment(), **awx.credential()},
        timeout=300,
    )


@pytest.mark.parametrize("awx,blank", [*(("reseller", blank) for blank in BLANK), (SUBUSERS, "")], indirect=["awx"])
@pytest.mark.parametrize("playbook", ALL_VARIABLES)
def test_all_variables_may_be_blank(awx: Controller, sandbox: Sandbox, playbook: str, blank: str | None) -> None:
    needed = {
        "converge_fleet": {"fleet_customers": [{"username": FLEET[0], "city": "Oslo"}]},
        "converge_slice": {},
        "disable_customer": {"customer_username": FLEET[0]},
        "report": {
            "fleet_report_path": str(awx.folder / "page.html"),
            "fleet_customers": [{"username": FLEET[0], "city": "Oslo"}],
        },
    }[playbook]
    variables = {**needed, **dict.fromkeys(ALL_VARIABLES[playbook], blank)}
    done = from_a_shell(awx, playbook, variables, "-i", f"{FLEET[0]},")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEPRECATION WARNING" not in done.stdout + done.stderr
    is_v3 = awx.inputs["api"] == SUBUSERS
    assert Counter(call["operation"] for call in sandbox.log()) == CALLED[playbook][is_v3]
    if playbook == "report":
        page = (awx.folder / "page.html").read_text(encoding="utf-8")
        assert "<title>SendGrid customers</title>" in page and "to update: 1" in page


# Texts that look like something else

LITERALS = {"zip": "1_234_567", "phone": "+12075550112", "region": "True", "address": "[1,  2]", "city": "1e5"}


@natively
def test_a_text_stays_one(awx: Controller, sandbox: Sandbox, native: bool) -> None:
    """Any text, from a file to the service, including names of customers."""
    settings = {"ANSIBLE_JINJA2_NATIVE": "true"} if native else {}

    def run(playbook: str, *arguments: str, **variables: Any) -> None:
        done = from_a_shell(awx, playbook, variables, *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr

    new = {**seeded("1e5", email="x@example.com", password="1_000_000"), "package": "Bronze", "whitelabel": "w.example"}
    new["region"] = new.pop("state")
    # YAML makes a date of one without quotes.
    dated = {"username": FLEET[1], "zip": datetime.date(2026, 1, 2), "company": None}
    shared = {"last_name": datetime.date(1999, 12, 31)}
    run("converge_fleet", fleet_customers=[new, {"username": FLEET[0], **LITERALS}, dated], fleet_defaults=shared)
    assert {sandbox.customers()[name]["last_name"] for name in FLEET[:2]} == {"1999-12-31"}
    assert sandbox.customers()[FLEET[1]]["zip"] == "2026-01-02"
    # A host that is called so, and variables of it.
    inventory = awx.folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"1e5": {"fleet_customer": LITERALS}}}}), encoding="utf-8")
    run("converge_slice", "-i", str(inventory), fleet_hosts="1e5")
    stored = sandbox.customers()
    for name in ("1e5", FLEET[0]):
        kept = {**stored[name], "region": stored[name]["state"]}
        assert {option: kept[option] for option in LITERALS} == LITERALS

    run("reset_password", customer_username="1e5", customer_password="1_234_567")
    assert is_the_password_of(sandbox, "1e5", "1_234_567")
    run("disable_customer", customer_username="1e5")
    assert sandbox.customers()["1e5"]["active"] is False
    page = awx.folder / "page.html"
    filters = {"zip": "1_234_567", "active": False}
    run("report", fleet_report_path=str(page), fleet_report_title="1_000", fleet_report_filters=filters)
    text = page.read_text(encoding="utf-8")
    assert "<title>1_000</title>" in text and parse(text).one("table", id="customers").rows()[1][0] == "1e5"
    run("report", fleet_report_path=str(page), fleet_report_mode="640")
    assert page.stat().st_mode & 0o777 == 0o640
    assert set(sandbox.customers()) == {"1e5", *FLEET}


@BOTH_APIS
@natively
def test_a_fleet_from_a_file(awx: Controller, sandbox: Sandbox, native: bool) -> None:
    """Relative to the folder that the run is started in. A text stays one, and none is a template."""
    settings = {"ANSIBLE_JINJA2_NATIVE": "true"} if native else {}
    (awx.folder / "fleets").mkdir()
    rows = [{"username": FLEET[0], **LITERALS}, {"username": FLEET[1], "city": "{{ 6 * 7 }}"}, {"username": FLEET[2]}]
    (awx.folder / "fleets" / "all.csv").write_text(as_csv(rows), encoding="utf-8")
    file = {"fleet_file": "fleets/all.csv", "fleet_defaults": {"country": "SE"}}

    def run(playbook: str, *arguments: str, **variables: Any) -> list[str]:
        before = len(sandbox.log())
        done = from_a_shell(awx, playbook, variables, *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return [call["operation"] for call in sandbox.log(after=before)]

    is_v3 = awx.inputs["api"] == SUBUSERS
    page = awx.folder / "page.html"
    shown = []
    for source in (file, {"fleet_report_file": "fleets/all.csv", "fleet_report_defaults": {"country": "SE"}}):
        page.unlink(missing_ok=True)
        called = Counter(run("report", fleet_report_path="page.html", **source))
        # With API v3: of all for the list, and of those that the file names for the drift.
        assert called == (Counter(list=4, get_username=2, get_profile=len(FLEET) + 3) if is_v3 else Counter(list=2))
        shown.append(page.read_text(encoding="utf-8"))
    assert all("to update: 3" in text and "{{ 6 * 7 }}" in text for text in shown)

    four = [run("converge_fleet", *arguments, **file) for arguments in (["--check"], [], ["--check"], [])]
    reads = Counter(list=2, get_username=1, get_profile=3) if is_v3 else Counter(list=1)
    verified = Counter(get_username=3) if is_v3 else Counter()
    assert [Counter(calls) for calls in four] == [reads, reads + verified + Counter(set_profile=3), reads, reads]
    stored = sandbox.customers()
    assert {name: stored[FLEET[0]]["state" if name == "region" else name] for name in LITERALS} == LITERALS
    assert stored[FLEET[1]]["city"] == "{{ 6 * 7 }}"
    assert {stored[name]["country"] for name in FLEET[:3]} == {"SE"}


@BOTH_APIS
def test_a_file_of_the_project_that_a_file_with_variables_names(awx: Controller, sandbox: Sandbox) -> None:
    awx.write("customers.csv", as_csv(moved(2)))
    awx.write("fleet.yml", {"fleet_file": "customers.csv"})
    job = succeeded(awx.run("Converge the fleet", job_type="run"))
    assert written(sandbox) == dict.fromkeys(FLEET[:2], 1)
    assert job.kept["sendgrid_fleet"]["updated"] == 2


@natively
def test_values_that_are_encrypted_one_by_one(awx: Controller, sandbox: Sandbox, native: bool) -> None:
    password, city, name = encrypted_values(NEW, "Oslo", FLEET[1])
    settings = {"ANSIBLE_JINJA2_NATIVE": "true"} if native else {}
    inventory = awx.folder / "hosts.yml"
    hosts = {FLEET[0]: {"fleet_customer": {"city": city, "update_password": "always"}}}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    for playbook, variables in (
        ("converge_slice", {"fleet_passwords": {FLEET[0]: password}}),
        ("reset_password", {"customer_username": name, "customer_password": password}),
        ("disable_customer", {"customer_username": name}),
    ):
        arguments = ["-vvv", "-i", str(inventory), "--vault-password-file", str(password_file(awx.folder))]
        done = from_a_shell(awx, playbook, variables, *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr
    assert sandbox.customers()[FLEET[0]]["city"] == "Oslo"
    assert all(is_the_password_of(sandbox, one, NEW) for one in FLEET[:2])
    assert sandbox.customers()[FLEET[1]]["active"] is False


# Slices


# What the jobs call for a customer to which they write twice, and for one that is as it should be. With API v3, each
# task makes sure that the server reads on behalf of a customer, and before a write, whose profile it is.
REACHED = {
    "reseller": {"list": 2, "set_profile": 1, "disable": 1},
    SUBUSERS: {"list": 2, "get_username": 2, "get_profile": 2, "set_profile": 1, "disable": 1},
}
CONVERGED = {"reseller": {"list": 1}, SUBUSERS: {"list": 1, "get_username": 1, "get_profile": 1}}


def times(number: int, calls: dict[str, int]) -> Counter[str]:
    return Counter({name: number * count for name, count in calls.items()})


@BOTH_APIS
def test_slices_share_the_customers(awx: Controller, sandbox: Sandbox) -> None:
    """Four jobs at once. The variables of a customer are the inventory's, those for all come from files."""
    api = awx.inputs["api"] or "reseller"
    awx.update_inventory()
    assert sorted(awx.hosts) == FLEET
    assert awx.hosts[FLEET[0]]["sendgrid_active"] is True
    # A list of API v3 does not contain profiles.
    assert (awx.hosts[FLEET[0]]["sendgrid_city"] is None) is (api == SUBUSERS)
    awx.hosts[FLEET[3]]["fleet_customer"] = {"city": "Oslo", "zip": "0150", "region": None}
    awx.hosts[FLEET[4]]["fleet_customer"] = {"address": "{{ 7 * 7 }} Road"}
    awx.write("customers.csv", f"username,phone,zip\n{FLEET[5]},{{{{ 6 * 7 }}}},\n{FLEET[3]},,9999\n")
    shared = {"city": "Bangor", "region": "ME", "active": False}
    awx.write("fleet.yml", {"fleet_defaults": shared, "fleet_file": "customers.csv"})
    before = len(sandbox.log())
    under_way = [awx.launch("Converge the fleet in slices", job_type="run", slice_of=(n, 4)) for n in range(4)]
    jobs = [succeeded(running.wait()) for running in under_way]
    assert [len(job.changed) for job in jobs] == [3, 3, 2, 2]
    calls = sandbox.log(after=before)
    assert written(sandbox) == times(2, dict.fromkeys(FLEET, 1))
    assert sorted(name for job in jobs for name in job.changed) == FLEET
    assert Counter(call["operation"] for call in calls) == times(len(FLEET), REACHED[api])
    stored = sandbox.customers()
    assert {stored[name]["active"] for name in FLEET} == {False}
    assert [stored[name]["city"] for name in FLEET[2:5]] == ["Bangor", "Oslo", "Bangor"]
    assert (stored[FLEET[3]]["zip"], stored[FLEET[4]]["address"]) == ("0150", "49 Road")
    assert stored[FLEET[5]]["phone"] == "{{ 6 * 7 }}"

    before = len(sandbox.log())
    again = succeeded(awx.run("Converge the fleet in slices", job_type="run"))
    assert again.changed == {}
    assert set(again.of("playbook_on_stats")[-1]["ok"]) == set(FLEET)
    calls = sandbox.log(after=before)
    assert Counter(call["operation"] for call in calls) == times(len(FLEET), CONVERGED[api])


@BOTH_APIS
def test_variables_of_a_region_hold_for_its_customers(awx: Controller, sandbox: Sandbox) -> None:
    """In the file that the guide shows. A list of API v3 does not say where customers are, unless it is told to."""
    if awx.inputs["api"] == SUBUSERS:
        source = (awx.project / "fleet.sendgrid.yml").read_text(encoding="utf-8")
        awx.write("fleet.sendgrid.yml", source + "details: [profile]\n")
    [shown] = [block.name for block in blocks(GUIDE) if block.name.startswith("group_vars/")]
    (awx.project / "group_vars").mkdir()
    awx.write(shown, {"fleet_customer": {"city": "Bangor"}})
    declare(awx)
    awx.update_inventory()
    succeeded(awx.run("Converge the fleet in slices", job_type="run"))
    assert {sandbox.customers()[name]["city"] for name in FLEET} == {"Bangor"}


@BOTH_APIS
def test_slices_in_check_mode_write_nothing(awx: Controller, sandbox: Sandbox) -> None:
    awx.update_inventory()
    declare(awx, fleet_defaults={"city": "Bangor"})
    job = succeeded(awx.run("Converge the fleet in slices", slice_of=(1, 5)))
    assert job.changed == dict.fromkeys(FLEET[1::5], 1)
    assert written(sandbox) == {}


def test_a_customer_that_is_declared_wrong_is_no_obstacle_to_others(awx: Controller, sandbox: Sandbox) -> None:
    awx.update_inventory()
    awx.hosts[FLEET[0]]["fleet_customer"] = {"ctiy": "Oslo"}
    declare(awx, fleet_defaults={"city": "Bangor"})
    job = awx.run("Converge the fleet in slices", job_type="run")
    assert job.status == "failed"
    assert "Unsupported parameters" in job.errors and "ctiy" in job.errors
    assert sorted(written(sandbox)) == FLEET[1:]


def test_a_slice_takes_passwords_from_the_file(awx: Controller, sandbox: Sandbox) -> None:
    awx.update_inventory()
    declare(
        awx,
        fleet_defaults={"update_password": "always"},
        fleet_passwords={**dict.fromkeys(FLEET, OLD), FLEET[2]: "canary-other-4711"},
    )
    job = succeeded(awx.run("Converge the fleet in slices", job_type="run"))
    assert written(sandbox) == {FLEET[2]: 1}
    assert job.changed == {FLEET[2]: 1}


def a_slice(awx: Controller, content: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The playbook over all customers, with a CSV file of this content."""
    inventory, file = awx.folder / "hosts.yml", awx.folder / "fleet.csv"
    hosts = {name: {} for name in FLEET} | {FLEET[1]: {"fleet_customer": {"city": "Bergen"}}}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    if content is not None:
        file.write_text(content, encoding="utf-8")
    variables = {"fleet_file": file.name, "fleet_defaults": {"country": "SE"}}
    return from_a_shell(awx, "converge_slice", variables, "-i", str(inventory), *arguments)


@BOTH_APIS
def test_a_slice_takes_customers_from_a_file(awx: Controller, sandbox: Sandbox) -> None:
    """What the inventory says of a host wins, and a host that the file does not name gets what is shared."""
    content = f"username,city,phone\n{FLEET[0]},Oslo,=1+1\n{FLEET[1]},Lund,\n"
    for arguments, writes in ((["--check"], 0), ([], len(FLEET)), (["--check"], 0), ([], 0)):
        before = len(sandbox.log())
        done = a_slice(awx, content, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        calls = [call["operation"] for call in sandbox.log(after=before)]
        # One call finds a customer, and one more shows what became of one that was written.
        assert (calls.count("set_profile"), calls.count("list")) == (writes, len(FLEET) + writes)
        assert calls.count("get_profile") == (len(FLEET) + writes if awx.inputs["api"] == SUBUSERS else 0)
    stored = sandbox.customers()
    assert [stored[name]["city"] for name in FLEET[:2]] == ["Oslo", "Bergen"]
    assert stored[FLEET[0]]["phone"] == "=1+1"
    assert {stored[name]["country"] for name in FLEET} == {"SE"}


def test_a_slice_finds_a_customer_that_was_renamed_by_its_new_name(awx: Controller, sandbox: Sandbox) -> None:
    content = f"username,new_username,city,country\nformer@example.com,{FLEET[0]},Oslo,NO\n"
    done = a_slice(awx, content, "--limit", FLEET[0])
    assert done.returncode == 0, done.stdout + done.stderr
    stored = sandbox.customers()[FLEET[0]]
    assert (stored["city"], stored["country"]) == ("Oslo", "NO")
    assert "rename" not in [call["operation"] for call in sandbox.log()]


def test_no_variable_of_a_host_holds_a_password_of_the_file(awx: Controller, sandbox: Sandbox) -> None:
    rows = [{"username": FLEET[0], "password": NEW, "update_password": "always"}]
    (awx.folder / "fleet.json").write_text(json.dumps(rows), encoding="utf-8")
    show = {"name": "Show", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] }}"}}
    plays = [
        {"ansible.builtin.import_playbook": "mailfleet.sendgrid.converge_slice"},
        {"name": "Look", "hosts": "all", "gather_facts": False, "tasks": [show]},
    ]
    (awx.folder / "look.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    done = commands(awx.collections_path).run(
        ["ansible-playbook", "look.yml", "-vvv", "-i", f"{FLEET[0]},", "-e", "fleet_file=fleet.json"],
        awx.folder,
        {**awx.environment(), **awx.credential()},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert is_the_password_of(sandbox, FLEET[0], NEW)
    assert NEW not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("username,ctiy\n", "unknown option"),
        (f"username,city\n{FLEET[0]},Oslo\n{FLEET[1]}\n", "line 3 has 1 cell, "),
        (f"username,city\n{FLEET[0]},Oslo\n{FLEET[0]},Lund\n", f"have the username '{FLEET[0]}'"),
        (None, "There is no file"),
    ],
)
def test_a_slice_with_a_file_that_cannot_be_used_reaches_nobody(
    awx: Controller, sandbox: Sandbox, content: str | None, told: str
) -> None:
    done = a_slice(awx, content)
    assert done.returncode != 0
    assert " ".join(done.stdout.split()).count("FAILED! =>") == len(FLEET)
    assert told in done.stdout + done.stderr
    assert sandbox.log() == []


def test_a_slice_without_its_file_reaches_nobody(awx: Controller, sandbox: Sandbox) -> None:
    awx.update_inventory()
    awx.write("fleet.yml", "fleet_defaults: [canary")
    job = awx.run("Converge the fleet in slices", job_type="run")
    assert job.status == "failed"
    assert "Not all of fleet.yml can be read" in job.errors
    assert written(sandbox) == {}
    assert [call["operation"] for call in sandbox.log()] == ["list"]


# The report


def at_a_path_of_its_own(awx: Controller) -> Path:
    page_path = awx.folder / "page.html"
    awx.calls = {
        call: {**told, "extra_vars": {"fleet_report_path": str(page_path)}} if call[1].endswith(": Report") else told
        for call, told in awx.calls.items()
    }
    return page_path


@BOTH_APIS
def test_report(awx: Controller, sandbox: Sandbox) -> None:
    declare(awx, fleet_customers=moved(2)[:-1])
    page_path = at_a_path_of_its_own(awx)
    job = succeeded(awx.run("Report", fleet_report_purge="yes", fleet_report_chart="city"))
    assert written(sandbox) == {}
    assert job.changed == {"localhost": 1}
    counts = job.kept["sendgrid_report"]
    assert (counts["customers"], counts["may_send"]) == (10, 10)
    assert {name: count for name, count in counts["drift"].items() if count} == {
        "updated": 2,
        "deleted": 1,
        "unchanged": 7,
    }
    # Numbers only, no names.
    assert all_are(int, [counts["customers"], counts["may_send"], *counts["drift"].values()])
    page = parse(page_path.read_text(encoding="utf-8"))
    assert page.one("title").text == "SendGrid customers"
    assert FLEET[0] in page.text
    again = succeeded(awx.run("Report", fleet_report_purge="yes", fleet_report_chart="city"))
    assert again.changed == {}
