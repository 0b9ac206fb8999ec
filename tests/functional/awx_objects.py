# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of awx.awx do with the objects of an AWX, over a file that holds them in place of an AWX.

A copy of this file is the module_utils of the stand-in for that collection, so it imports nothing of the tests. Looked
up, made and refused is what awx.awx 24.6 and the API behind it look up, make and refuse, with their messages.

The file is JSON: `objects`, a list by endpoint; `repositories`, the playbooks that each address of a project has;
`has_capacity`, whether a node has room for an update; `is_superuser`, whether a system administrator asks;
`has_broken_sources`, whether updates of inventories fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# The endpoint of each module's objects, and what finds one of them besides its name.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "credential": ("credentials", ("organization", "credential_type")),
    "credential_type": ("credential_types", ()),
    "execution_environment": ("execution_environments", ()),
    "host": ("hosts", ("inventory",)),
    "inventory": ("inventories", ("organization",)),
    "inventory_source": ("inventory_sources", ("inventory",)),
    "job_template": ("job_templates", ("organization",)),
    "project": ("projects", ("organization",)),
}
# Fields that name an object of another kind, or a list of them.
REFERENCES = {
    "credential": "credentials",
    "credential_type": "credential_types",
    "credentials": "credentials",
    "default_environment": "execution_environments",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "source_project": "projects",
}
# Those that a module looks for in the organization that it is given. All others are found by their name alone.
WITHIN_ORGANIZATION = {
    ("inventory_source", "inventory"),
    ("inventory_source", "source_project"),
    ("job_template", "project"),
}
# Parameters that a module does not store.
NOT_STORED = {"wait", "update_project", "interval", "update_secrets"}


class Refused(Exception):
    """What the module or the API answers; `shown`: what the task's result holds besides."""

    def __init__(self, message: str, **shown: Any) -> None:
        super().__init__(message)
        self.shown = shown


class Objects:
    """All that the file holds. `save` writes it back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    def save(self) -> None:
        self.path.write_text(json.dumps(self.content), encoding="utf-8")

    def all(self, endpoint: str) -> list[dict[str, Any]]:
        return self.content["objects"].setdefault(endpoint, [])

    def new_id(self) -> int:
        self.content["last_id"] = self.content.get("last_id", 0) + 1
        return self.content["last_id"]

    def add(self, endpoint: str, **fields: Any) -> dict[str, Any]:
        self.all(endpoint).append({**fields, "id": self.new_id()})
        return self.all(endpoint)[-1]

    def find(self, endpoint: str, name_or_id: object, **within: Any) -> dict[str, Any] | None:
        """One object, by its name or its id. Raises Refused if there are several: the module cannot choose."""
        wanted = str(name_or_id)
        found = [
            one
            for one in self.all(endpoint)
            if wanted in (one["name"], str(one["id"])) and all(one.get(field) == within[field] for field in within)
        ]
        by_id = [one for one in found if str(one["id"]) == wanted]
        if len(found) > 1 and not by_id:
            raise Refused(_not_one(endpoint, wanted, len(found)))
        return next(iter([*by_id, *found]), None)

    def get(self, endpoint: str, name_or_id: object, **within: Any) -> dict[str, Any]:
        found = self.find(endpoint, name_or_id, **within)
        if found is None:
            raise Refused(_not_one(endpoint, str(name_or_id), 0))
        return found

    def listed(self, endpoint: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """The objects of a query, with the names of those that they belong to. `a__b`: the field b of its a."""
        return [self._summarized(one) for one in self.all(endpoint) if self._is_asked_for(one, query)]

    def _is_asked_for(self, one: dict[str, Any], query: dict[str, str]) -> bool:
        for name, value in query.items():
            field, _separator, inner = name.partition("__")
            stored = self.get(REFERENCES[field], one[field])[inner] if inner else one[field]
            if str(stored) != str(value):
                return False
        return True

    def _summarized(self, one: dict[str, Any]) -> dict[str, Any]:
        related = {
            field: {key: self.get(endpoint, one[field])[key] for key in ("id", "name")}
            for field, endpoint in REFERENCES.items()
            if isinstance(one.get(field), int)
        }
        return {**one, "summary_fields": related}


def _not_one(endpoint: str, name: str, count: int) -> str:
    return f"Request to /api/v2/{endpoint}/?name={name} returned {count} items, expected 1"


def call(objects: Objects, module: str, given: dict[str, Any]) -> dict[str, Any]:
    """The result of a task. Raises Refused. `given`: the options that were given."""
    return UPDATES[module](objects, given) if module in UPDATES else _make(objects, module, given)


# Objects


def _make(objects: Objects, module: str, given: dict[str, Any]) -> dict[str, Any]:
    """Makes an object, or makes one that is there what the options say."""
    endpoint, scope = KINDS[module]
    fields = _resolved(objects, module, given)
    wanted = {name: value for name, value in fields.items() if name not in NOT_STORED}
    found = objects.find(endpoint, given["name"], **{field: wanted[field] for field in scope if field in wanted})
    if module in CHECKS:
        CHECKS[module](objects, found, wanted)
    before = dict(found or {})
    stored = found if found is not None else objects.add(endpoint)
    stored.update(wanted)
    # AWX does not show a secret, so the module sends it each time.
    has_changed = before != stored or module == "credential"
    if module == "project" and given["wait"] and has_changed:
        # The update that AWX begins by itself. The module waits for it without an end.
        _run_update(objects, stored["scm_url"] in objects.content["repositories"], "Project Update", stored, None)
    return {"changed": has_changed, "id": stored["id"]}


def _resolved(objects: Objects, module: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options, with the ids of the objects that they name."""
    fields = dict(given)
    within = _organization(objects, given)
    fields.update(within)
    for field in set(REFERENCES) & set(given) - {"organization"}:
        where = within if (module, field) in WITHIN_ORGANIZATION else {}
        ids = [objects.get(REFERENCES[field], one, **where)["id"] for one in _as_list(given[field])]
        fields[field] = ids if isinstance(given[field], list) else ids[0]
    if module == "inventory_source":
        # It only says where to look for the others.
        fields.pop("organization", None)
    return fields


def _organization(objects: Objects, given: dict[str, Any]) -> dict[str, int]:
    if "organization" not in given:
        return {}
    return {"organization": objects.get("organizations", given["organization"])["id"]}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_type(objects: Objects, found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    before = {name: value for name, value in (found or {}).items() if name in wanted}
    if before == wanted:
        return
    if not objects.content["is_superuser"]:
        raise Refused("You don't have permission to POST to /api/v2/credential_types/ (HTTP 403).")
    is_used = found is not None and any(one["credential_type"] == found["id"] for one in objects.all("credentials"))
    if is_used and before.get("inputs") != wanted.get("inputs"):
        raise Refused("Modifications to inputs are not allowed for credential types that are in use (HTTP 403).")


def _check_credential(objects: Objects, _found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    inputs = objects.get("credential_types", wanted["credential_type"])["inputs"]
    fields = {field["id"]: field for field in inputs["fields"]}
    for name, value in wanted.get("inputs", {}).items():
        if name not in fields:
            raise Refused(f"Additional properties are not allowed ('{name}' was unexpected)")
        if not isinstance(value, str):
            raise Refused(f"The input {name} is not of type 'string'")
        if value not in fields[name].get("choices", [value]):
            raise Refused(f"The input {name} is not one of {fields[name]['choices']}")


def _check_environment(_objects: Objects, found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    """Their names are unique in all organizations."""
    if found is not None and found.get("organization") != wanted.get("organization"):
        raise Refused("An execution environment cannot move to another organization (HTTP 400).")


def _check_template(objects: Objects, _found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    project = objects.get("projects", wanted["project"])
    if wanted["playbook"] not in project.get("playbooks", []):
        raise Refused("Unable to create job_template: {'playbook': ['Playbook not found for project.']}")
    # AWX always takes it from the project.
    wanted["organization"] = project["organization"]


def _check_source(objects: Objects, _found: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    if wanted.get("source") == "scm" and "source_project" not in wanted:
        raise Refused("Unable to create inventory source: Project required for scm type sources.")


# What AWX refuses, by module: each gets the object that is there, if any, and what it is to be.
CHECKS = {
    "credential": _check_credential,
    "credential_type": _check_type,
    "execution_environment": _check_environment,
    "inventory_source": _check_source,
    "job_template": _check_template,
}


# Updates


def _update_project(objects: Objects, given: dict[str, Any]) -> dict[str, Any]:
    project = objects.get("projects", given["name"], **_organization(objects, given))
    repository = objects.content["repositories"].get(project["scm_url"])
    done = _run_update(objects, repository is not None, "Project Update", project, given)
    project["playbooks"] = repository
    return done


def _update_source(objects: Objects, given: dict[str, Any]) -> dict[str, Any]:
    inventory = objects.get("inventories", given["inventory"], **_organization(objects, given))
    source = objects.get("inventory_sources", given["name"], inventory=inventory["id"])
    return _run_update(objects, not objects.content["has_broken_sources"], "inventory_update", source, given)


def _run_update(
    objects: Objects, works: bool, kind: str, subject: dict[str, Any], given: dict[str, Any] | None
) -> dict[str, Any]:
    """The result of a task that waits for an update. Its `id` is that of the update."""
    update = {"id": objects.new_id()}
    if not objects.content["has_capacity"]:
        if given is None or "timeout" not in given:
            raise Refused("The module waits without an end: AWX has no capacity", **update, status="pending")
        raise Refused(f"Monitoring of {kind} - {subject['name']} aborted due to timeout", **update, status="pending")
    if not works:
        raise Refused(f"The {kind} - {subject['name']}, failed", **update, status="failed")
    return {"changed": True, **update, "status": "successful"}


UPDATES = {"project_update": _update_project, "inventory_source_update": _update_source}
