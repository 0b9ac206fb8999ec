# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The twelve operations, and the table that maps family, action, method and task to an operation."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from ..store import Account, Store, encode_list
from . import fields, validation
from .behaviours import ApiError, Behaviour, ErrorReason
from .calls import Call

# The result of an operation: None for success, or the rows of a list. The behaviour defines the order of fields.
Result = Optional[list[tuple[str, ...]]]


@dataclass(frozen=True)
class Context:
    """The input of an operation. `today` is the current day in UTC."""

    store: Store
    behaviour: Behaviour
    account: Account
    today: datetime.date


@dataclass(frozen=True)
class Operation:
    """One row of the table of operations. `target`: the parameter with the name of the customer, if there is one.

    `run` raises ApiError only before its first write.
    """

    name: str
    run: Callable[[Context, Call], Result]
    writes: bool = True
    target: str | None = "user"

    def target_parameter(self, behaviour: Behaviour) -> str | None:
        """The page has two names for the parameter of *disable*. Each behaviour uses one of them."""
        return behaviour.disable_parameter if self.name == "disable" else self.target


def _raise_if_any(errors: list[str]) -> None:
    if errors:
        raise ApiError(ErrorReason.INVALID, tuple(errors))


def _find_customer(
    ctx: Context, call: Call, *, parameter: str = "user", error_reason: ErrorReason = ErrorReason.UNKNOWN_USER
) -> int:
    """The number of the account's customer with the exact name in `parameter`."""
    _raise_if_any(validation.missing(call, (parameter,)))
    number = ctx.store.find_customer(ctx.account.api_user, call.value(parameter) or "")
    if number is None:
        raise ApiError(error_reason)
    return number


def _check_name_is_free(ctx: Context, username: str) -> None:
    """[doc] Names are unique in the whole service, and a deleted name stays taken. Case matters [own]."""
    if ctx.store.is_taken(username):
        raise ApiError(ErrorReason.INVALID, ("Username is already taken",))


def create(ctx: Context, call: Call) -> Result:
    """Add a customer. It can send mail and log in immediately [doc]."""
    _raise_if_any(validation.creation(call, ctx.account, ctx.today))
    _check_name_is_free(ctx, call.value("username") or "")
    values: dict[str, str | None] = {
        name: ctx.behaviour.normalize(name, call.value(name) or "") for name in fields.CREATE_LIMITS
    }
    for name in ("package", "whitelabel", "mail_domain", "free_user", "billing_date"):
        values[name] = call.value(name)
    values.update(
        account=ctx.account.api_user,
        address2="",
        active="true",
        website_access="true",
        ip_groups=encode_list(call.values("ip_group[]")),
        ips=encode_list(call.values("ip[]")),
    )
    ctx.store.add_customer(values, call.value("password") or "")
    return None


def delete(ctx: Context, call: Call) -> Result:
    """Delete a customer. The name stays taken [doc]."""
    ctx.store.delete_customer(_find_customer(ctx, call))
    return None


def list_customers(ctx: Context, call: Call) -> Result:
    """The account's customers that contain the text of each filter, ignoring case [doc, seen]."""
    sent = {name: call.value(name) for name in fields.FILTERS}
    filters = {name: text for name, text in sent.items() if text is not None}
    return ctx.store.search(ctx.account.api_user, ctx.behaviour.row, filters)


def _switch(column: str, value: str) -> Callable[[Context, Call], Result]:
    def run(ctx: Context, call: Call) -> Result:
        number = _find_customer(ctx, call, error_reason=ErrorReason.UNKNOWN_USER_OF_SWITCH)
        ctx.store.change_customer(number, {column: value})
        return None

    return run


def disable(ctx: Context, call: Call) -> Result:
    """Prevent a customer from sending. Both names of the parameter can be sent if they have the same value [own]."""
    parameter = ctx.behaviour.disable_parameter
    if len({text for name in ("user", "username") for text in call.values(name)}) > 1:
        raise ApiError(ErrorReason.INVALID, ("User and username must be the same",))
    number = _find_customer(ctx, call, parameter=parameter, error_reason=ErrorReason.UNKNOWN_USER_OF_SWITCH)
    ctx.store.change_customer(number, {"active": "false"})
    return None


def set_profile(ctx: Context, call: Call) -> Result:
    """Change the fields that were sent. A text can be empty [own]. `email` and `username` are ignored [seen]."""
    number = _find_customer(ctx, call)
    _raise_if_any(validation.too_long(call, fields.PROFILE_LIMITS))
    sent = {name: call.value(name) for name in fields.PROFILE_LIMITS}
    ctx.store.change_customer(
        number, {name: ctx.behaviour.normalize(name, text) for name, text in sent.items() if text is not None}
    )
    return None


def rename(ctx: Context, call: Call) -> Result:
    """Rename a customer, with immediate effect [doc]. The old name becomes free again [own]."""
    number = _find_customer(ctx, call)
    _raise_if_any(validation.missing(call, ("username",)) + validation.new_username(call))
    username = call.value("username") or ""
    _check_name_is_free(ctx, username)
    ctx.store.change_customer(number, {"username": username})
    return None


def set_email(ctx: Context, call: Call) -> Result:
    """Change the contact address [doc]."""
    number = _find_customer(ctx, call)
    _raise_if_any(
        validation.missing(call, ("email",))
        + validation.too_long(call, {"email": fields.SET_EMAIL_LIMIT})
        + validation.email_format(call, "email")
    )
    ctx.store.change_customer(number, {"email": call.value("email") or ""})
    return None


def set_password(ctx: Context, call: Call) -> Result:
    """Reset the password [doc]."""
    number = _find_customer(ctx, call)
    _raise_if_any(validation.missing(call, ("password", "confirm_password")) + validation.new_password(call))
    ctx.store.set_password(number, call.value("password") or "")
    return None


def check_password(ctx: Context, call: Call) -> Result:
    """Whether the password is right. An unknown customer and a wrong password look the same [seen, own]."""
    _raise_if_any(validation.missing(call, ("user", "password")))
    number = ctx.store.find_customer(ctx.account.api_user, call.value("user") or "")
    if number is None or not ctx.store.has_password(number, call.value("password") or ""):
        raise ApiError(ErrorReason.INVALID, ("Invalid username and/or password",))
    return None


CREATE = Operation("create", create, target="username")
DELETE = Operation("delete", delete)
LIST = Operation("list", list_customers, writes=False, target=None)
ENABLE = Operation("enable", _switch("active", "true"))
DISABLE = Operation("disable", disable)
ENABLE_WEBSITE = Operation("enable_website", _switch("website_access", "true"))
DISABLE_WEBSITE = Operation("disable_website", _switch("website_access", "false"))
SET_PROFILE = Operation("set_profile", set_profile)
RENAME = Operation("rename", rename)
SET_EMAIL = Operation("set_email", set_email)
SET_PASSWORD = Operation("set_password", set_password)
CHECK_PASSWORD = Operation("check_password", check_password, writes=False)

# [doc] (family, action, method, task) -> operation. None stands for a parameter that the address does not use.
OPERATIONS: dict[tuple[str, str, str | None, str | None], Operation] = {
    ("reseller", "add", None, None): CREATE,
    ("reseller", "delete", None, None): DELETE,
    ("reseller", "manage", "profile", "get"): LIST,
    ("reseller", "manage", "enable", None): ENABLE,
    ("reseller", "manage", "disable", None): DISABLE,
    ("reseller", "manage", "website_enable", None): ENABLE_WEBSITE,
    ("reseller", "manage", "website_disable", None): DISABLE_WEBSITE,
    ("reseller", "manage", "profile", "set"): SET_PROFILE,
    ("reseller", "manage", "profile", "setUsername"): RENAME,
    ("reseller", "manage", "profile", "setEmail"): SET_EMAIL,
    ("reseller", "manage", "password", None): SET_PASSWORD,
    ("reseller", "manage", "auth", None): CHECK_PASSWORD,
    ("customer", "add", None, None): CREATE,
    ("customer", "delete", None, None): DELETE,
    ("customer", "profile", None, "get"): LIST,
    ("customer", "enable", None, None): ENABLE,
    ("customer", "disable", None, None): DISABLE,
    ("customer", "website_enable", None, None): ENABLE_WEBSITE,
    ("customer", "website_disable", None, None): DISABLE_WEBSITE,
    ("customer", "profile", None, "set"): SET_PROFILE,
    ("customer", "profile", None, "setUsername"): RENAME,
    ("customer", "profile", None, "setEmail"): SET_EMAIL,
    ("customer", "password", None, None): SET_PASSWORD,
    ("customer", "auth", None, None): CHECK_PASSWORD,
}

ADDRESSES = frozenset((family, action) for family, action, _method, _task in OPERATIONS)


def find(call: Call) -> Operation | None:
    """The operation of a call, or None. Method and task names are case-sensitive [seen]."""
    if call.family is None or call.action is None:
        return None
    method, task = call.value("method"), call.value("task")
    for key in ((None, None), (method, None), (None, task), (method, task)):
        operation = OPERATIONS.get((call.family, call.action, *key))
        if operation is not None:
            return operation
    return None
