# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on a user. The user is the customer that the call acts on behalf of, or the account itself."""

from __future__ import annotations

from typing import Any

from ..store import customer_user
from . import validation
from .behaviours import ApiError, ErrorReason
from .context import Context

# [doc] In the order of the description.
PROFILE = (
    "address",
    "address2",
    "city",
    "company",
    "country",
    "first_name",
    "last_name",
    "phone",
    "state",
    "website",
    "zip",
)
_ACCOUNT = {"type": "paid", "reputation": 100}


def get_profile(ctx: Context) -> Any:
    return _profile(ctx, ctx.store.read_user(ctx.user()))


def set_profile(ctx: Context) -> Any:
    """Change the fields that were sent. A text can be empty. Fields that are not part of a profile are ignored [own].

    Length limits and null are not published. The sandbox has no limits, and refuses null to show a mistake [own].
    """
    user = ctx.user()
    sent = ctx.call.content if isinstance(ctx.call.content, dict) else {}
    values = {name: sent[name] for name in PROFILE if name in sent}
    if not values:
        raise ApiError(ErrorReason.NO_FIELDS)
    ctx.refuse_if([error for name, value in values.items() for error in validation.text(name, value)])
    ctx.store.change_user(user, values)
    return _profile(ctx, ctx.store.read_user(user))


def _profile(ctx: Context, stored: dict[str, str | None]) -> dict[str, str | None]:
    """A profile in the form of the behaviour. A field that was never set is an empty text, null or missing."""
    behaviour = ctx.behaviour
    shown = {name: stored[name] for name in PROFILE if stored[name] is not None or name not in behaviour.missing_fields}
    return {name: "" if value is None and name not in behaviour.null_fields else value for name, value in shown.items()}


def get_email(ctx: Context) -> Any:
    return {"email": ctx.store.read_user(ctx.user())["email"]}


def set_email(ctx: Context) -> Any:
    """Change the address immediately. The real service may ask for a confirmation, but no record shows it [own]."""
    user, email = ctx.user(), ctx.call.body_value("email")
    ctx.refuse_if(validation.email(email))
    ctx.store.change_user(user, {"email": email})
    return {"email": email}


def get_username(ctx: Context) -> Any:
    user = ctx.user()
    return {"username": ctx.store.read_user(user)["username"], "user_id": user.id}


def rename(ctx: Context) -> Any:
    """Change the name immediately. The id stays. The old name becomes free again, as in v2 [own]."""
    user, username = ctx.user(), ctx.call.body_value("username")
    ctx.refuse_if(validation.required_text("username", username))
    if ctx.store.is_taken(username):
        ctx.refuse_if([validation.USERNAME_EXISTS])
    ctx.store.change_user(user, {"username": username})
    return {"username": username}


def set_password(ctx: Context) -> Any:
    """[doc] A change of the password needs the old one. The account itself has no password here [own]."""
    user = ctx.user()
    old, new = ctx.call.body_value("old_password"), ctx.call.body_value("new_password")
    ctx.refuse_if(validation.required_text("old_password", old) + validation.password("new_password", new))
    if user != customer_user(user.id) or not ctx.store.has_password(user.id, old):
        ctx.refuse_if([validation.of_field("old_password", "old password is incorrect")])
    ctx.store.set_password(user.id, new)
    return {}


def get_account(ctx: Context) -> Any:
    ctx.user()
    return _ACCOUNT
