# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on subusers. API v3 calls the customers subusers."""

from __future__ import annotations

from typing import Any

from ..store import REGIONS, CustomerFilter, encode_list
from . import validation
from .behaviours import ApiError, ErrorReason
from .context import NO_CONTENT, Context
from .paging import page_errors, page_of

# [doc] The default and the maximum.
PAGE_LIMIT = 500
ALL_REGIONS = "all"


def create(ctx: Context) -> Any:
    """Add a customer without a profile. `ips` is optional [seen]. A deleted name stays taken, as in v2 [own]."""
    call = ctx.call
    username, email, password = call.body_value("username"), call.body_value("email"), call.body_value("password")
    region, ips = call.body_value("region"), call.body_value("ips")
    ctx.refuse_if(
        validation.required_text("username", username)
        + validation.email(email)
        + validation.password("password", password)
        + validation.region(region)
        + validation.boolean("include_region", call.body_value("include_region"))
        + validation.ips(ips, ctx.account)
        + ([validation.USERNAME_EXISTS] if isinstance(username, str) and _is_taken(ctx, username) else [])
    )
    values = {
        "account": ctx.account.api_user,
        "username": username,
        "email": email,
        "region": region or REGIONS[0],
        "active": "true",
        "website_access": "true",
        "ips": encode_list(ips or []),
    }
    number = ctx.store.add_customer(values, password)
    answer = {
        "username": username,
        "user_id": number,
        "email": email,
        "credit_allocation": {"type": "unlimited"},
        **({"region": values["region"]} if call.body_value("include_region") else {}),
    }
    return {**answer, **_echoes(number, password, ips or [])} if ctx.behaviour.create_echoes else answer


def _is_taken(ctx: Context, username: str) -> bool:
    return not validation.text("username", username) and ctx.store.is_taken(username)


def _echoes(number: int, password: str, ips: list[str]) -> dict[str, Any]:
    """Values that an answer should not contain [seen]. Real tokens give access, these only look similar."""
    return {
        "signup_session_token": f"signup-session-token-of-{number}",
        "authorization_token": f"authorization-token-of-{number}",
        "password": password,
        "ips": ips,
    }


def list_subusers(ctx: Context) -> Any:
    """A page of customers, oldest first [own]. After the last customer, a page is empty [own]."""
    call = ctx.call
    region, include_region = call.query_value("region"), call.query_value("include_region")
    ctx.refuse_if(
        page_errors(ctx)
        + validation.query_choice("region", region, (ALL_REGIONS, *REGIONS))
        + validation.query_choice("include_region", include_region, ("true", "false"))
    )
    wanted = CustomerFilter(
        username=call.query_value("username"),
        is_prefix=ctx.behaviour.filters_by_prefix,
        region=None if region == ALL_REGIONS else region,
        active_only=ctx.switches.hide_disabled,
    )
    limit, offset = page_of(ctx, PAGE_LIMIT, PAGE_LIMIT)
    rows = ctx.store.page(ctx.account.api_user, wanted, limit, offset)
    return [_row(row, include_region == "true") for row in rows]


def _row(customer: dict[str, Any], with_region: bool) -> dict[str, Any]:
    row = {
        "disabled": not customer["active"],
        "email": customer["email"],
        "id": customer["id"],
        "username": customer["username"],
    }
    return {**row, "region": customer["region"]} if with_region else row


def get(ctx: Context) -> Any:
    """One customer [seen]. The published description does not have this operation."""
    return _row(ctx.store.read_customer(ctx.find_subuser(ErrorReason.UNKNOWN_SUBUSER)), with_region=False)


def delete(ctx: Context) -> Any:
    """Delete a customer. The name stays taken, as in v2 [own]."""
    ctx.store.delete_customer(ctx.find_subuser(ErrorReason.UNKNOWN_TO_DELETE))
    return NO_CONTENT


def switch_active(ctx: Context) -> Any:
    """Enable or disable."""
    return _switch(ctx, "active", ErrorReason.UNKNOWN_TO_SWITCH)


def switch_website_access(ctx: Context) -> Any:
    return _switch(ctx, "website_access", ErrorReason.UNKNOWN_TO_SWITCH_WEBSITE)


def _switch(ctx: Context, column: str, unknown: ErrorReason) -> Any:
    number = ctx.find_subuser(unknown)
    ctx.store.change_customer(number, {column: "false" if ctx.call.body_value("disabled") else "true"})
    return NO_CONTENT


def refuse_change(ctx: Context) -> Any:
    """Refuse a change without a boolean `disabled`. Nothing else can be changed here."""
    sent = ctx.call.content if isinstance(ctx.call.content, dict) else {}
    if "disabled" in sent:
        ctx.refuse_if([validation.of_field("disabled", "disabled must be a boolean")])
    raise ApiError(ErrorReason.UNKNOWN_FIELDS if sent else ErrorReason.NO_FIELDS)


def nothing(ctx: Context) -> Any:
    """Paths that hide a customer with the same name. Their content is not needed here."""
    return []
