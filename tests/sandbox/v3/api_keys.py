# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API keys of a user. The user is the customer that the call acts on behalf of, or else the account itself.

The sandbox does not accept these keys. It only accepts the key of the seed [own].
"""

from __future__ import annotations

import secrets
from typing import Any

from . import validation
from .behaviours import ApiError, ErrorItem, ErrorReason, of_field
from .context import NO_CONTENT, Context, Created

KEY_ID = "api_key_id"
# [doc] The maximum number of keys of one user.
_MOST = 100
_TOO_MANY = "Cannot create more than 100 API Keys"
# [seen] The scopes that the service adds.
_ADDED = ("2fa_required", "sender_verification_eligible")
# [doc] The scopes of a key that was created without scopes. This list has only a few of them [own].
FULL_ACCESS = ("alerts.read", "api_keys.read", "mail.send", "stats.read", "user.profile.read", "user.profile.update")


def create(ctx: Context) -> Any:
    """[doc] Create a key. It is shown only once. Names can repeat. A key without scopes has full access."""
    user, name, scopes = ctx.user(), ctx.call.body_value("name"), ctx.call.body_value("scopes")
    ctx.refuse_if(validation.required_text("name", name) + _scope_errors(scopes))
    if len(ctx.store.api_keys(user)) >= _MOST:
        raise ApiError(ErrorReason.TOO_MANY_KEYS, ErrorItem(_TOO_MANY, None, has_field=True))
    identifier = _random_text(22)
    key = {"name": name, "scopes": _scopes(ctx, scopes)}
    ctx.store.put_api_key(user, identifier, key)
    return Created({"api_key": f"SG.{identifier}.{_random_text(43)}", "api_key_id": identifier, **key})


def _random_text(length: int) -> str:
    return secrets.token_urlsafe(length)[:length]


def _scopes(ctx: Context, asked: list[str] | None) -> list[str]:
    more = _ADDED if ctx.behaviour.adds_scopes else ()
    return [*dict.fromkeys([*(asked or FULL_ACCESS), *more])]


def _scope_errors(scopes: Any) -> list[ErrorItem]:
    if scopes is None:
        return []
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        return [of_field("scopes", "scopes must be an array of strings")]
    return [error for scope in scopes for error in validation.text("scopes", scope)]


def list_keys(ctx: Context) -> Any:
    """[doc] All keys, or the first `limit` keys, without their scopes."""
    limit = ctx.call.query_value("limit")
    ctx.refuse_if(validation.whole_number("limit", limit, 1))
    stored = ctx.store.api_keys(ctx.user())
    keys = [{"name": key["name"], "api_key_id": identifier} for identifier, key in stored.items()]
    return {"result": keys if limit is None else keys[: int(limit)]}


def get(ctx: Context) -> Any:
    """One key, in a list [doc] or directly [seen]."""
    identifier, key = _find(ctx)
    shown = {"api_key_id": identifier, **key}
    return shown if ctx.behaviour.shows_key_flat else {"result": [shown]}


def update(ctx: Context) -> Any:
    """Change the name and the scopes. At least one scope is required [doc]."""
    identifier, _key = _find(ctx)
    name, scopes = ctx.call.body_value("name"), ctx.call.body_value("scopes")
    needed = [of_field("scopes", "scopes is required")] if not scopes else _scope_errors(scopes)
    ctx.refuse_if(validation.required_text("name", name) + needed)
    key = {"name": name, "scopes": _scopes(ctx, scopes)}
    ctx.store.put_api_key(ctx.user(), identifier, key)
    return {"api_key_id": identifier, **key}


def rename(ctx: Context) -> Any:
    identifier, key = _find(ctx)
    name = ctx.call.body_value("name")
    ctx.refuse_if(validation.required_text("name", name))
    ctx.store.put_api_key(ctx.user(), identifier, {**key, "name": name})
    return {"api_key_id": identifier, "name": name}


def delete(ctx: Context) -> Any:
    identifier, _key = _find(ctx)
    ctx.store.delete_api_key(identifier)
    return NO_CONTENT


def _find(ctx: Context) -> tuple[str, dict[str, Any]]:
    identifier = ctx.call.path_parameters[KEY_ID]
    key = ctx.store.api_keys(ctx.user()).get(identifier)
    if key is None:
        raise ApiError(ErrorReason.UNKNOWN_KEY)
    return identifier, key
