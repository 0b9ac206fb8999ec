# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Plans the operations that turn the current state of a customer into the desired one. Pure: no I/O, no Ansible.

Check mode, the diff and the real run share the plan that `make_plan` makes. This file names no API: `Capabilities` says
what an API can do with an attribute. The only attribute with a name here is `username`, which identifies a customer.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import MASK, escape_control


@dataclasses.dataclass(frozen=True)
class Desired:
    """What a task asks for. `attributes`: those given, by option name, without the username.

    `secrets`: the attributes that no result may show. `on_create`: those that only a new customer gets.
    `unless_hidden`: those that an existing customer does not get if the server hides them. `along`: those that, if the
    server hides them, are written only together with others of their operation.
    """

    username: str
    attributes: Attributes = dataclasses.field(default_factory=dict, repr=False)
    state: str = "present"
    new_username: str | None = None
    secrets: frozenset[str] = frozenset()
    on_create: frozenset[str] = frozenset()
    unless_hidden: frozenset[str] = frozenset()
    along: frozenset[str] = frozenset()

    @property
    def final_username(self) -> str:
        """The name that the customer has in the end."""
        return self.username if self.new_username is None else self.new_username

    @property
    def usernames(self) -> frozenset[str]:
        """The names under which the customer may be found."""
        return frozenset((self.username, self.final_username))


@dataclasses.dataclass(frozen=True)
class Observed:
    """What is known of the customer now.

    `current`: the attributes that the server shows, None if there is no such customer. `matches`: by hidden attribute,
    whether it has the desired value; an attribute has no key if nobody asked or the server could not tell. `shows`: the
    attributes that only some servers show, and that this one is known to show. `key`: how the API identifies the
    customer. `blocked`: by attribute, why no other value can replace the present one, as a clause.
    """

    current: Attributes | None = None
    matches: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    shows: frozenset[str] = frozenset()
    key: t.Any = None
    blocked: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """`before`, `after`: attributes, None if the customer does not exist; `after` also holds what the server hides.

    `predicted`: `after` as the server will show it. `unverified`: attributes that are sent although
    nothing tells whether they differ. `key`: how the API identifies the existing customer.
    """

    operations: tuple[Operation, ...]
    before: Attributes | None
    after: Attributes | None
    predicted: Attributes | None
    unverified: tuple[str, ...] = ()
    key: t.Any = None


def further_reads(desired: Desired, current: Attributes | None, api: Capabilities) -> frozenset[str]:
    """The attributes that a further read must show or compare before a plan is possible."""
    if current is None or desired.state == "absent":
        return frozenset()
    left_alone = desired.on_create | desired.along
    hidden = [name for name in desired.attributes.keys() - current.keys() if name not in left_alone]
    return frozenset(name for name in hidden if api.attributes[name].seen in ("details", "compared"))


def make_plan(desired: Desired, observed: Observed, api: Capabilities) -> Plan:
    """The operations that lead to the desired state, and the state that they lead to."""
    current = observed.current
    unverified: list[str] = []
    if desired.state == "absent":
        operations = _removal(current)
    elif current is None:
        operations = _creation(desired, observed, api)
    else:
        changes, unverified = _differences(desired, observed, current, api)
        operations = _update(current["username"], desired, changes, api)
    after = apply(current, operations)
    return Plan(
        operations=tuple(operations),
        before=current,
        after=after,
        predicted=_predicted_new(after, desired, observed, api) if current is None else _only(after, current),
        unverified=tuple(unverified),
        key=observed.key,
    )


def apply(current: Attributes | None, operations: t.Iterable[Operation]) -> Attributes | None:
    """The attributes of a customer after `operations`."""
    return functools.reduce(_apply, operations, current)


def is_done(operation: Operation, current: Attributes | None, api: Capabilities) -> bool | None:
    """Whether a customer, as just read, shows that `operation` took effect; None if it cannot tell."""
    if operation.name == "delete":
        return current is None
    if current is None:
        return False if operation.name == "create" else None
    if operation.name == "create":
        return True
    verdicts = [
        api.attributes[name].same(wanted, current[name]) if name in current else None
        for name, wanted in operation.effect.items()
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def stored_otherwise(
    desired: Desired,
    stored: Attributes,
    api: Capabilities,
    planned: t.Iterable[Operation] = (),
    is_new: bool = False,
) -> list[str]:
    """The attributes that the server stores with another value than the desired one.

    Leaves out what `planned` will write, and what only a new customer gets unless the customer `is_new`.
    """
    left_alone = frozenset() if is_new else desired.on_create
    differing = [
        name
        for name, wanted in desired.attributes.items()
        if stored.get(name, wanted) != wanted and name not in left_alone
    ]
    shown_as = api.shown_otherwise
    differing = [
        name
        for name in differing
        if name not in shown_as or shown_as[name](stored[name]) != shown_as[name](desired.attributes[name])
    ]
    if not differing:
        return []
    pending = {name for operation in planned for name in operation.effect}
    return [name for name in differing if name not in pending]


def stored_text(desired: Desired, stored: Attributes, name: str) -> str:
    """A clause with the desired value of an attribute and the stored one."""
    return (
        f"{name} of customer '{_quoted(stored['username'])}': asked for '{_quoted(desired.attributes[name])}', "
        f"the server stores '{_quoted(stored[name])}'"
    )


def _apply(current: Attributes | None, operation: Operation) -> Attributes | None:
    return None if operation.name == "delete" else {**(current or {}), **operation.effect}


def _only(attributes: Attributes | None, names: t.Container[str]) -> Attributes | None:
    if attributes is None or attributes is names:
        return attributes
    return {name: value for name, value in attributes.items() if name in names}


def _removal(current: Attributes | None) -> list[Operation]:
    return [] if current is None else [Operation("delete", current["username"])]


def _creation(desired: Desired, observed: Observed, api: Capabilities) -> list[Operation]:
    """The creation, then the operations for what a new customer has by default and should not have.

    If a customer to rename does not exist, it is created under its new name.
    """
    given = {name: value for name, value in desired.attributes.items() if api.attributes[name].on_create}
    sent = {"username": desired.final_username, **given}
    shown_at_first = _shown_at_first(observed, api)
    at_first = {name: value for name, value in api.new_customer.items() if name in shown_at_first and name not in sent}
    create = Operation("create", desired.final_username, sent, {**_shown(sent, desired, api), **at_first})
    rest = {name: value for name, value in desired.attributes.items() if name not in sent}
    known = {**create.effect, **api.new_customer}
    changes, _unverified = _differences(Desired(desired.username, rest), Observed(known), known, api)
    return [create, *_update(desired.final_username, desired, changes, api)]


def _shown_at_first(observed: Observed, api: Capabilities) -> frozenset[str]:
    """The attributes of a new customer that the list will show, although no row shows them yet."""
    return api.always_listed | (api.seen("sometimes") & observed.shows)


def _predicted_new(
    after: Attributes | None, desired: Desired, observed: Observed, api: Capabilities
) -> Attributes | None:
    """What the server will show of a new customer: in its list, and by the further reads for what was asked for."""
    if after is None:
        return None
    read = {api.attributes[name].detail or name for name in desired.attributes}
    told = api.shown_by(read)
    values = {**api.new_customer, **after}
    shown_at_first = _shown_at_first(observed, api)
    return {
        **{name: value for name, value in after.items() if name in shown_at_first},
        **{name: value for name, value in values.items() if name in told},
    }


def _differences(
    desired: Desired, observed: Observed, current: Attributes, api: Capabilities
) -> tuple[Attributes, list[str]]:
    """The attributes to write, and those of them that are sent though nothing tells whether they differ."""
    # Nearly all values of a fleet are equal, so this comparison comes first.
    unequal = {
        name: wanted for name, wanted in desired.attributes.items() if name not in current or wanted != current[name]
    }
    verdicts = {
        name: _differs(name, wanted, desired, observed, current, api)
        for name, wanted in unequal.items()
        if api.attributes[name].written_by is not None and name not in desired.on_create
    }
    written = {api.attributes[name].written_by for name, differs in verdicts.items() if differs is not False}
    if not written:
        return {}, []
    for name in desired.along & verdicts.keys():
        if name not in current and api.attributes[name].written_by in written:
            verdicts[name] = None
    changes = {name: desired.attributes[name] for name, differs in verdicts.items() if differs is not False}
    unverified = [name for name, differs in verdicts.items() if differs is None]
    # The order in results: first what is sent on its own account, then what goes along, and secrets at the end.
    return changes, sorted(unverified, key=lambda name: (name in desired.secrets, name in desired.along))


def _differs(
    name: str, wanted: t.Any, desired: Desired, observed: Observed, current: Attributes, api: Capabilities
) -> bool | None:
    """Whether to write an attribute: False, True, or None if nothing tells, so that it is written to make sure."""
    if name in current:
        return not api.attributes[name].same(wanted, current[name])
    if name in observed.matches:
        return not observed.matches[name]
    return False if name in desired.unless_hidden | desired.along else None


def _update(now: str, desired: Desired, changes: Attributes, api: Capabilities) -> list[Operation]:
    """The writes in order. Those that take rights away come first, those that grant rights come last."""
    then = desired.final_username
    if not changes and now == then:
        return []
    rename = [Operation("rename", now, {"username": then}, {"username": then})] if now != then else []
    return [
        *_switched(now, changes, False, api),
        *rename,
        *(operation for name in api.order for operation in _grouped(name, desired, changes, api)),
        *_switched(then, changes, True, api),
    ]


def _switched(user: str, changes: Attributes, position: bool, api: Capabilities) -> list[Operation]:
    """The operations that turn switches to `position`."""
    return [
        Operation(switch.operation(position), user, {}, {name: position})
        for name, switch in api.switches.items()
        if changes.get(name) is position
    ]


def _grouped(operation: str, desired: Desired, changes: Attributes, api: Capabilities) -> list[Operation]:
    """One operation for all changed attributes that it writes."""
    sent = {name: value for name, value in changes.items() if api.attributes[name].written_by == operation}
    return [Operation(operation, desired.final_username, sent, _shown(sent, desired, api))] if sent else []


def _shown(attributes: Attributes, desired: Desired, api: Capabilities) -> Attributes:
    """The attributes as the server shows them once they are written, with a mask in place of a secret."""
    shown = {name: MASK if name in desired.secrets else value for name, value in attributes.items()}
    return {**shown, **{name: api.shown_otherwise[name](shown[name]) for name in api.shown_otherwise.keys() & shown}}


def _quoted(value: t.Any) -> str:
    """A value for a sentence."""
    return str(value).lower() if isinstance(value, bool) else escape_control(str(value), 200)
