# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations, and the table of routes that maps verb and path to an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import api_keys, credits, domains, ips, subusers, users
from .calls import Call
from .context import SUBUSER, Context


@dataclass(frozen=True)
class Operation:
    """What a call asks for. `scope`: the scope that the key needs, or an empty text.

    `run` raises ApiError only before its first write.
    """

    name: str
    run: Callable[[Context], Any]
    scope: str
    writes: bool = True


# Finds the name of the customer that a call is about.
Target = Callable[[Call], Any]


def _nobody(call: Call) -> Any:
    return None


def _in_path(call: Call) -> Any:
    return call.path_parameters.get(SUBUSER)


def _in_body(call: Call) -> Any:
    return call.body_value("username")


def _subuser_in_query(call: Call) -> Any:
    return call.query_value("subuser")


def _username_in_query(call: Call) -> Any:
    return call.query_value("username")


def _on_behalf(call: Call) -> Any:
    return call.on_behalf_of


@dataclass(frozen=True)
class Route:
    """One row of the table. `by_disabled`: the operation if the body has a boolean `disabled`."""

    verb: str
    template: str
    operation: Operation
    target: Target = _nobody
    by_disabled: Mapping[bool, Operation] = field(default_factory=dict)

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (self.operation, *self.by_disabled.values())

    def operation_of(self, call: Call) -> Operation:
        disabled = call.body_value("disabled")
        return self.by_disabled[disabled] if isinstance(disabled, bool) and self.by_disabled else self.operation

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters of a path, or None if the path does not match."""
        parts = self.template.split("/")[2:]
        if len(parts) != len(path):
            return None
        parameters = {}
        for part, segment in zip(parts, path):
            if part.startswith("{") and segment:
                parameters[part[1:-1]] = segment
            elif part != segment:
                return None
        return parameters


def _get_scopes(ctx: Context) -> Any:
    """The scopes of the key. Calls on behalf of a customer use the key of the account, too [own]."""
    ctx.user()
    every = {operation.scope for route in ROUTES for operation in route.operations if operation.scope}
    return {"scopes": sorted(every if ctx.account.v3_scopes is None else ctx.account.v3_scopes)}


_SUBUSERS = "/v3/subusers"
_DOMAINS = "/v3/whitelabel/domains"
_DOMAIN = f"{_DOMAINS}/{{{domains.DOMAIN_ID}}}"
_KEYS = "/v3/api_keys"
_KEY = f"{_KEYS}/{{{api_keys.KEY_ID}}}"
_ONE = f"{_SUBUSERS}/{{{SUBUSER}}}"

CREATE = Operation("create", subusers.create, "subusers.create")
LIST = Operation("list", subusers.list_subusers, "subusers.read", writes=False)
GET = Operation("get", subusers.get, "subusers.read", writes=False)
DELETE = Operation("delete", subusers.delete, "subusers.delete")
ENABLE = Operation("enable", subusers.switch_active, "subusers.update")
DISABLE = Operation("disable", subusers.switch_active, "subusers.update")
UPDATE = Operation("update", subusers.refuse_change, "subusers.update")
ENABLE_WEBSITE = Operation("enable_website", subusers.switch_website_access, "subusers.update")
DISABLE_WEBSITE = Operation("disable_website", subusers.switch_website_access, "subusers.update")
UPDATE_WEBSITE = Operation("update_website", subusers.refuse_change, "subusers.update")
GET_REPUTATIONS = Operation("get_reputations", subusers.nothing, "subusers.reputations.read", writes=False)
GET_STATS = Operation("get_stats", subusers.nothing, "subusers.stats.read", writes=False)
SET_IPS = Operation("set_ips", ips.set_ips, "subusers.update")
GET_IPS = Operation("get_ips", ips.list_ips, "ips.read", writes=False)
GET_CREDITS = Operation("get_credits", credits.get_credits, "subusers.credits.read", writes=False)
SET_CREDITS = Operation("set_credits", credits.set_credits, "subusers.credits.update")
CHANGE_CREDITS = Operation("change_credits", credits.change_credits, "subusers.credits.remaining.update")
GET_PROFILE = Operation("get_profile", users.get_profile, "user.profile.read", writes=False)
SET_PROFILE = Operation("set_profile", users.set_profile, "user.profile.update")
GET_EMAIL = Operation("get_email", users.get_email, "user.email.read", writes=False)
SET_EMAIL = Operation("set_email", users.set_email, "user.email.update")
GET_USERNAME = Operation("get_username", users.get_username, "user.username.read", writes=False)
RENAME = Operation("rename", users.rename, "user.username.update")
SET_PASSWORD = Operation("set_password", users.set_password, "user.password.update")
GET_ACCOUNT = Operation("get_account", users.get_account, "user.account.read", writes=False)
LIST_DOMAINS = Operation("list_domains", domains.list_domains, "whitelabel.read", writes=False)
GET_DOMAIN = Operation("get_domain", domains.get_domain, "whitelabel.read", writes=False)
GET_ASSOCIATED = Operation("get_associated_domain", domains.get_associated, "whitelabel.read", writes=False)
LIST_ASSOCIATED = Operation("list_associated_domains", domains.list_associated, "whitelabel.read", writes=False)
ASSOCIATE = Operation("associate_domain", domains.associate, "whitelabel.create")
ADD_ASSOCIATED = Operation("add_associated_domain", domains.add_associated, "whitelabel.create")
DISASSOCIATE = Operation("disassociate_domain", domains.disassociate, "whitelabel.delete")
REMOVE_ASSOCIATED = Operation("remove_associated_domain", domains.remove_associated, "whitelabel.delete")
CREATE_KEY = Operation("create_api_key", api_keys.create, "api_keys.create")
LIST_KEYS = Operation("list_api_keys", api_keys.list_keys, "api_keys.read", writes=False)
GET_KEY = Operation("get_api_key", api_keys.get, "api_keys.read", writes=False)
UPDATE_KEY = Operation("update_api_key", api_keys.update, "api_keys.update")
RENAME_KEY = Operation("rename_api_key", api_keys.rename, "api_keys.update")
DELETE_KEY = Operation("delete_api_key", api_keys.delete, "api_keys.delete")
GET_SCOPES = Operation("get_scopes", _get_scopes, "", writes=False)

# [doc] If several routes match, the first one counts. Words of the API come before names of customers.
ROUTES = (
    Route("POST", _SUBUSERS, CREATE, _in_body),
    Route("GET", _SUBUSERS, LIST),
    Route("GET", f"{_SUBUSERS}/reputations", GET_REPUTATIONS),
    Route("GET", f"{_SUBUSERS}/stats", GET_STATS),
    Route("GET", _ONE, GET, _in_path),
    Route("PATCH", _ONE, UPDATE, _in_path, {True: DISABLE, False: ENABLE}),
    Route("DELETE", _ONE, DELETE, _in_path),
    Route("PATCH", f"{_ONE}/website_access", UPDATE_WEBSITE, _in_path, {True: DISABLE_WEBSITE, False: ENABLE_WEBSITE}),
    Route("PUT", f"{_ONE}/ips", SET_IPS, _in_path),
    Route("GET", "/v3/ips", GET_IPS, _subuser_in_query),
    Route("GET", f"{_ONE}/credits", GET_CREDITS, _in_path),
    Route("PUT", f"{_ONE}/credits", SET_CREDITS, _in_path),
    Route("PATCH", f"{_ONE}/credits/remaining", CHANGE_CREDITS, _in_path),
    Route("GET", "/v3/user/profile", GET_PROFILE, _on_behalf),
    Route("PATCH", "/v3/user/profile", SET_PROFILE, _on_behalf),
    Route("GET", "/v3/user/email", GET_EMAIL, _on_behalf),
    Route("PUT", "/v3/user/email", SET_EMAIL, _on_behalf),
    Route("GET", "/v3/user/username", GET_USERNAME, _on_behalf),
    Route("PUT", "/v3/user/username", RENAME, _on_behalf),
    Route("PUT", "/v3/user/password", SET_PASSWORD, _on_behalf),
    Route("GET", "/v3/user/account", GET_ACCOUNT, _on_behalf),
    Route("GET", "/v3/scopes", GET_SCOPES, _on_behalf),
    Route("GET", _DOMAINS, LIST_DOMAINS, _on_behalf),
    Route("GET", f"{_DOMAINS}/subuser", GET_ASSOCIATED, _username_in_query),
    Route("DELETE", f"{_DOMAINS}/subuser", DISASSOCIATE, _username_in_query),
    Route("GET", f"{_DOMAINS}/subuser/all", LIST_ASSOCIATED, _username_in_query),
    Route("GET", _DOMAIN, GET_DOMAIN, _on_behalf),
    Route("POST", f"{_DOMAIN}/subuser", ASSOCIATE, _in_body),
    Route("DELETE", f"{_DOMAIN}/subuser", REMOVE_ASSOCIATED, _username_in_query),
    Route("POST", f"{_DOMAIN}/subuser:add", ADD_ASSOCIATED, _in_body),
    Route("POST", _KEYS, CREATE_KEY, _on_behalf),
    Route("GET", _KEYS, LIST_KEYS, _on_behalf),
    Route("GET", _KEY, GET_KEY, _on_behalf),
    Route("PUT", _KEY, UPDATE_KEY, _on_behalf),
    Route("PATCH", _KEY, RENAME_KEY, _on_behalf),
    Route("DELETE", _KEY, DELETE_KEY, _on_behalf),
)


OPERATION_NAMES = frozenset(operation.name for route in ROUTES for operation in route.operations)


def resolve(call: Call) -> Call:
    """The same call with its route, operation and target customer, if they exist."""
    for route in ROUTES:
        parameters = route.match(call.path)
        if parameters is not None and route.verb == call.verb:
            found = replace(call, route=route.template, path_parameters=parameters)
            target = route.target(found)
            return replace(
                found,
                operation=route.operation_of(found),
                target=target if isinstance(target, str) else None,
            )
    return call


def verbs_of(path: tuple[str, ...]) -> list[str]:
    """The verbs that a path can be called with."""
    return [route.verb for route in ROUTES if route.match(path) is not None]
