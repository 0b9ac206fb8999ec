# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX does, without an AWX: takes what is registered, injects credentials, and runs jobs, sliced or not.

What it makes of a credential is AWX's own code, how a job runs is ansible-runner's. The rest is written after what the
code of AWX does.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tools.environment import ansible_environment, clean_environment

from .preloaded import Forked, Preloaded
from .running import ROOT, Sandbox

# What begins the names of job templates, unless it is said otherwise.
PREFIX = "SendGrid customers: "
JOB = Path(__file__).resolve().parent / "job.py"
OBJECTS = Path(__file__).resolve().parent / "awx_objects.py"
PROJECT = ROOT / "extensions" / "awx" / "project"

# The options of the modules of awx.awx, as their documentation has them. A name without a type is a text.
_SHARED = "name! state controller_host controller_username controller_password aap_token:raw validate_certs:bool"
MODULES = {
    "credential_type": "description kind inputs:dict injectors:dict",
    "credential": (
        "new_name copy_from description organization credential_type inputs:secret update_secrets:bool user team"
    ),
    "project": (
        "new_name copy_from description scm_type scm_url local_path scm_branch scm_refspec credential scm_clean:bool"
        " scm_delete_on_update:bool scm_track_submodules:bool scm_update_on_launch:bool scm_update_cache_timeout:int"
        " allow_override:bool timeout:int default_environment organization wait:bool update_project:bool interval:float"
        " notification_templates_started:list notification_templates_success:list notification_templates_error:list"
        " signature_validation_credential"
    ),
    "execution_environment": "new_name image! description organization credential pull",
    "host": "new_name description inventory! enabled:bool variables:dict",
    "inventory": (
        "new_name copy_from description organization! variables:dict kind host_filter instance_groups:list"
        " input_inventories:list prevent_instance_group_fallback:bool"
    ),
    "inventory_source": (
        "new_name description inventory! source source_path source_vars:dict enabled_var enabled_value host_filter"
        " limit credential execution_environment overwrite:bool overwrite_vars:bool timeout:int verbosity:int"
        " update_on_launch:bool update_cache_timeout:int source_project scm_branch organization"
        " notification_templates_started:list notification_templates_success:list notification_templates_error:list"
    ),
    "inventory_source_update": "inventory! organization wait:bool interval:float timeout:int",
    "project_update": "organization wait:bool interval:float timeout:int",
    "job_template": (
        "new_name copy_from description job_type inventory organization project playbook credentials:list"
        " execution_environment instance_groups:list forks:int limit verbosity:int extra_vars:dict job_tags"
        " force_handlers:bool skip_tags start_at_task diff_mode:bool use_fact_cache:bool host_config_key"
        " ask_scm_branch_on_launch:bool ask_diff_mode_on_launch:bool ask_variables_on_launch:bool"
        " ask_limit_on_launch:bool ask_tags_on_launch:bool ask_skip_tags_on_launch:bool ask_job_type_on_launch:bool"
        " ask_verbosity_on_launch:bool ask_inventory_on_launch:bool ask_credential_on_launch:bool"
        " ask_execution_environment_on_launch:bool ask_forks_on_launch:bool ask_instance_groups_on_launch:bool"
        " ask_job_slice_count_on_launch:bool ask_labels_on_launch:bool ask_timeout_on_launch:bool survey_enabled:bool"
        " survey_spec:dict become_enabled:bool allow_simultaneous:bool timeout:int job_slice_count:int webhook_service"
        " webhook_credential scm_branch labels:list prevent_instance_group_fallback:bool"
        " notification_templates_started:list notification_templates_success:list notification_templates_error:list"
    ),
}

# What a module of awx.awx assumes that the playbook does not say.
DEFAULTS = {"project": {"wait": True}}

_MODULE = """#!/usr/bin/python
import json
import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awx.awx.plugins.module_utils.objects import Objects, Refused, call


def main():
    module = AnsibleModule(argument_spec={spec!r}, supports_check_mode=True)
    given = {{name: value for name, value in module.params.items() if value is not None}}
    objects = Objects(Path(os.environ["AWX_OBJECTS"]))
    try:
        done = call(objects, {name!r}, {{**{defaults!r}, **given}})
    except Refused as refused:
        module.fail_json(msg=str(refused), **refused.shown)
    finally:
        objects.save()
    with open(os.environ["AWX_CALLS"], "a") as calls:
        calls.write(json.dumps([{name!r}, {{**given, "id": done["id"]}}]) + "\\n")
    module.exit_json(**done)


main()
"""

_LOOKUP = """DOCUMENTATION = '''
name: controller_api
short_description: Search the API for objects
description: As the one of awx.awx.
options:
  _terms:
    description: The endpoint.
    required: true
  query_params:
    description: What to search for.
    type: dict
    aliases: [query, data, filter, params]
'''

import os
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.awx.awx.plugins.module_utils.objects import Objects


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        if len(terms) != 1:
            raise AnsibleError("You must pass exactly one endpoint to query")
        self.set_options(direct=kwargs)
        return Objects(Path(os.environ["AWX_OBJECTS"])).listed(terms[0], self.get_option("query_params") or {})
"""


def make_collection(folder: Path) -> Path:
    """A tree with a stand-in for the collection awx.awx.

    Its modules work on the objects in $AWX_OBJECTS, and write down in $AWX_CALLS what they are told, with the id that
    they give back.
    """
    plugins = folder / "ansible_collections" / "awx" / "awx" / "plugins"
    for kind in ("modules", "module_utils", "lookup"):
        (plugins / kind).mkdir(parents=True)
    for name, options in MODULES.items():
        spec = dict(_option(text) for text in f"{_SHARED} {options}".split())
        text = _MODULE.format(spec=spec, name=name, defaults=DEFAULTS.get(name, {}))
        (plugins / "modules" / f"{name}.py").write_text(text, encoding="utf-8")
    (plugins / "lookup" / "controller_api.py").write_text(_LOOKUP, encoding="utf-8")
    shutil.copy(OBJECTS, plugins / "module_utils" / "objects.py")
    return folder


def _option(text: str) -> tuple[str, dict[str, Any]]:
    name, _colon, kind = text.partition(":")
    spec: dict[str, Any] = {"type": kind or "str"}
    if kind == "secret":
        spec = {"type": "dict", "no_log": True}
    elif "password" in name or "token" in name or "host_config_key" in name:
        spec["no_log"] = True
    if name.endswith("!"):
        spec["required"] = True
    return name.rstrip("!"), spec


@cache
def commands(*collections: Path, **settings: str) -> Preloaded:
    """The server for runs in a shell with settings of Ansible. It keeps its files next to the collections."""
    folder = Path(tempfile.mkdtemp(prefix="commands-", dir=collections[0]))
    started = Preloaded({**ansible_environment(folder, *collections), **settings})
    atexit.register(started.close)
    return started


@cache
def jobs() -> Preloaded:
    """The server of all jobs, which have imported ansible-runner."""
    started = Preloaded(clean_environment(), ("ansible_runner",))
    atexit.register(started.close)
    return started


def injected(credential_type: dict[str, Any], inputs: dict[str, str], folder: Path) -> tuple[dict[str, str], dict]:
    """The environment that AWX makes of a credential, and what it shows of it. `folder`: a private data directory.

    With AWX's own code, which runs on Python 3.11 and later. Before that, the templates are rendered as it does.
    """
    shown: dict[str, str] = {}
    made: dict[str, str] = {}
    if sys.version_info < (3, 11):
        given = {name: value for name, value in inputs.items() if value}
        sandbox = ImmutableSandboxedEnvironment()
        templates = credential_type["injectors"]["env"]
        return {name: sandbox.from_string(text).render(**given) for name, text in templates.items()}, shown
    from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
    from awx_plugins.interfaces._temporary_private_credential_api import Credential
    from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

    managed = ManagedCredentialType(
        namespace="sendgrid",
        name=credential_type["name"],
        kind=credential_type["kind"],
        inputs=credential_type["inputs"],
        injectors=credential_type["injectors"],
    )
    arguments: list[str] = []
    inject_credential(managed, Credential(inputs=inputs), made, shown, arguments, str(folder))
    assert arguments == []
    return made, shown


class _Unsafe(yaml.SafeDumper):
    def represent_data(self, data: Any) -> Any:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def marked(variables: dict[str, Any]) -> str:
    """YAML in which each text is marked, so that Ansible does not evaluate it. AWX does so with answers to surveys."""
    return yaml.dump(variables, Dumper=_Unsafe)


@dataclass
class Job:
    """A job that has ended: its status, its output, its events in their order, and what it left in its folder."""

    status: str
    folder: Path
    stdout: str
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of the events of one kind."""
        return [event["event_data"] for event in self.events if event["event"] == kind]

    @property
    def changed(self) -> dict[str, int]:
        """By host, how many tasks changed something."""
        return self.of("playbook_on_stats")[-1]["changed"]

    @property
    def kept(self) -> dict[str, Any]:
        """What set_stats keeps with the job."""
        return self.of("playbook_on_stats")[-1].get("artifact_data", {})

    @property
    def errors(self) -> str:
        """The messages of the failed tasks."""
        events = self.of("runner_on_failed") + self.of("runner_item_on_failed")
        failed = [event["res"].get("msg") for event in events]
        return " ".join(" ".join(msg) if isinstance(msg, list) else str(msg) for msg in failed)

    @property
    def everything(self) -> str:
        """Names and contents of all that the job left behind."""
        files = [path for path in (self.folder / "artifacts").rglob("*") if path.is_file()]
        return "\n".join([*map(str, files), *(path.read_text(encoding="utf-8") for path in files)])


@dataclass
class Running:
    """A job under way."""

    process: Forked
    folder: Path
    ident: str

    @property
    def stdout(self) -> str:
        """What the job has printed so far."""
        path = self.folder / "artifacts" / self.ident / "stdout"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def cancel(self) -> None:
        (self.folder / "cancel").touch()

    def wait(self) -> Job:
        """The job when it has ended; without its `command`, in which ansible-runner keeps the environment in clear."""
        output, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, output + errors
        artifacts = self.folder / "artifacts" / self.ident
        files = (artifacts / "job_events").glob("*.json")
        events = sorted((json.loads(path.read_text("utf-8")) for path in files), key=lambda event: event["counter"])
        (artifacts / "command").unlink()
        return Job(json.loads(output.splitlines()[-1])["status"], self.folder, self.stdout, events)


@dataclass
class Controller:
    """AWX, as far as jobs need it.

    `calls`: what was registered, by module and name, with the ids. `hosts` and `groups`: of the inventory that
    has a source.
    """

    sandbox: Sandbox
    folder: Path
    collections_path: Path
    calls: dict[tuple[str, str], dict[str, Any]]
    inputs: dict[str, str]
    vault_password: str = ""
    jobs: int = field(default=0, init=False)
    hosts: dict[str, Any] = field(default_factory=dict, init=False)
    groups: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def project(self) -> Path:
        """The project's folder, at first a copy of the one that the collection brings."""
        path = self.folder / "project"
        if not path.exists():
            shutil.copytree(PROJECT, path)
        return path

    def write(self, name: str, content: Any) -> None:
        """A file of the project."""
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        (self.project / name).write_text(text, encoding="utf-8")

    def environment(self) -> dict[str, str]:
        return ansible_environment(self.folder, self.collections_path)

    def credential(self) -> dict[str, str]:
        """What the credential puts into the environment."""
        [credential_type] = [self.calls[call] for call in self.calls if call[0] == "credential_type"]
        return injected(credential_type, self.inputs, self.folder)[0]

    def update_inventory(self) -> None:
        """Takes the hosts and groups with their variables from the source of the inventory."""
        [source] = [self.calls[call] for call in self.calls if call[0] == "inventory_source"]
        done = subprocess.run(
            ["ansible-inventory", "-i", source["source_path"], "--list", "--export"],
            cwd=self.project,
            env={**self.environment(), **self.credential()},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        listed = json.loads(done.stdout)
        self.hosts = listed.pop("_meta")["hostvars"]
        self.groups = {name: group for name, group in listed.items() if name not in ("all", "ungrouped")}

    def launch(self, template: str, job_type: str = "", slice_of: tuple[int, int] = (0, 1), **answers: Any) -> Running:
        """Starts a job of a job template, with answers to its survey.

        `slice_of`: which share of the hosts, and how many shares there are.
        """
        settings = self.calls["job_template", f"{PREFIX}{template}"]
        self.jobs += 1
        folder = self.folder / f"job-{self.jobs}"
        shutil.copytree(self.project, folder / "project")
        for name in ("env", "inventory"):
            (folder / name).mkdir()
        self._write_inventory(folder / "inventory" / "hosts", settings["inventory"], slice_of)
        arguments = ["-u", "root"]
        arguments += ["--check"] if (job_type or settings["job_type"]) == "check" else []
        arguments += ["--diff"] if settings["diff_mode"] else []
        if self.vault_password:
            arguments.append("--ask-vault-pass")
            passwords = {r"Vault password:\s*?$": self.vault_password}
            (folder / "env" / "passwords").write_text(json.dumps(passwords), encoding="utf-8")
        (folder / "env" / "cmdline").write_text(" ".join(arguments), encoding="utf-8")
        (folder / "env" / "envvars").write_text(json.dumps(self.credential()), encoding="utf-8")
        (folder / "env" / "extravars").write_text(self._variables(settings, answers), encoding="utf-8")
        ident = str(self.jobs)
        arguments = [str(JOB), str(folder), settings["playbook"], ident]
        return Running(jobs().start(arguments, self.folder, self.environment()), folder, ident)

    def run(self, template: str, **settings: Any) -> Job:
        return self.launch(template, **settings).wait()

    def _write_inventory(self, path: Path, inventory: str, slice_of: tuple[int, int]) -> None:
        """A program that prints the inventory, with every so many-th of the hosts."""
        hosts, groups = self._inventory(inventory)
        names = sorted(hosts)[slice_of[0] :: slice_of[1]]
        members = {
            name: {**group, "hosts": [host for host in group.get("hosts", ()) if host in names]}
            for name, group in groups.items()
        }
        variables = {name: hosts[name] for name in names}
        text = json.dumps({"all": {"hosts": names}, **members, "_meta": {"hostvars": variables}})
        path.write_text(f"#! /usr/bin/env python3\nprint({text!r})\n", encoding="utf-8")
        path.chmod(0o700)

    def _inventory(self, ident: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Hosts and groups of an inventory: those of its source, or what was registered."""
        if ident in [told["inventory"] for call, told in self.calls.items() if call[0] == "inventory_source"]:
            return self.hosts, self.groups
        hosts = [told for call, told in self.calls.items() if call[0] == "host" and told["inventory"] == ident]
        return {host["name"]: host["variables"] for host in hosts}, {}

    def _variables(self, settings: dict[str, Any], answers: dict[str, Any]) -> str:
        """Those of the template, and the answers, whose texts are marked; what was not answered has its default."""
        questions = {question["variable"]: question for question in settings["survey_spec"]["spec"]}
        assert set(answers) <= set(questions), "AWX takes no variable that the survey does not ask for"
        asked = {name: questions[name]["default"] for name in questions if "default" in questions[name]}
        answered = {**asked, **answers}
        assert all(name in answered for name in questions if questions[name]["required"])
        own = yaml.safe_dump(settings["extra_vars"]) if settings["extra_vars"] else ""
        return own + marked({**answered, "awx_job_id": self.jobs})
