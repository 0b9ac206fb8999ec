# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authenticated domains of the account, and the customers that send from them. Paths call them whitelabels."""

from __future__ import annotations

import json
from typing import Any

from . import validation
from .behaviours import ApiError, ErrorItem, ErrorReason, of_field
from .context import NO_CONTENT, Context, Created
from .paging import page_errors, page_of

DOMAIN_ID = "domain_id"

_PAGE_LIMIT = 50
_PAGE_MAXIMUM = 500
# [doc] The maximum number of domains of one customer.
_MOST = 5
_BOOLEANS = ("true", "false")


def list_domains(ctx: Context) -> Any:
    """The domains of the account and of its customers. On behalf of a customer, only its own domains."""
    query = ctx.call.query_value
    ctx.refuse_if(page_errors(ctx) + validation.query_choice("exclude_subusers", query("exclude_subusers"), _BOOLEANS))
    domains = _visible(ctx)
    if query("exclude_subusers") == "true":
        domains = [domain for domain in domains if domain["username"] is None]
    if query("domain") is not None:
        domains = [domain for domain in domains if query("domain") in domain["domain"]]
    shown = [_shown(ctx, domain) for domain in domains]
    if query("username") is not None:
        shown = [domain for domain in shown if domain["username"] == query("username")]
    limit, offset = page_of(ctx, _PAGE_LIMIT, _PAGE_MAXIMUM)
    return shown[offset : offset + limit]


def get_domain(ctx: Context) -> Any:
    return _shown(ctx, _find(ctx, _visible(ctx)))


def get_associated(ctx: Context) -> Any:
    """The domain of a customer, or 404 without a domain [seen]."""
    associated = _associated(ctx, _subuser_in_query(ctx))
    if not associated:
        raise ApiError(ErrorReason.UNKNOWN_SUBUSER)
    return _shown(ctx, associated[0], ctx.call.query_value("username"))


def list_associated(ctx: Context) -> Any:
    number = _subuser_in_query(ctx)
    return [_shown(ctx, domain, ctx.call.query_value("username")) for domain in _associated(ctx, number)]


def associate(ctx: Context) -> Any:
    """Let a customer send from this domain only. This replaces all its other domains [own]."""
    return _associate(ctx, keeps_others=False)


def add_associated(ctx: Context) -> Any:
    """Let a customer also send from this domain."""
    return _associate(ctx, keeps_others=True)


def _associate(ctx: Context, *, keeps_others: bool) -> Any:
    domain = _find(ctx, ctx.store.domains(ctx.account.api_user))
    username = ctx.call.body_value("username")
    ctx.refuse_if(validation.required_text("username", username))
    number = ctx.store.find_customer(ctx.account.api_user, username)
    others = [] if number is None or not keeps_others else _ids(ctx, number)
    ctx.refuse_if(_why_not(domain, username, number, len({*others, domain["id"]})))
    assert number is not None
    ctx.store.change_customer(number, {"domains": json.dumps([*dict.fromkeys([*others, domain["id"]])])})
    return Created(_shown(ctx, domain, username))


def _why_not(domain: dict[str, Any], username: str, number: int | None, count: int) -> list[ErrorItem]:
    """Why a domain cannot be associated with a customer. The rules are [doc], the texts are [own]."""
    if number is None:
        return [of_field("username", "user not found")]
    if not domain["valid"]:
        return [ErrorItem("domain is not validated")]
    if domain["username"] not in (None, username):
        return [ErrorItem("domain belongs to another user")]
    return [ErrorItem(f"a user can have at most {_MOST} associated domains")] if count > _MOST else []


def disassociate(ctx: Context) -> Any:
    """Remove all domains of a customer."""
    number = _subuser_in_query(ctx)
    if not _ids(ctx, number):
        raise ApiError(ErrorReason.UNKNOWN_SUBUSER)
    return _set_ids(ctx, number, [])


def remove_associated(ctx: Context) -> Any:
    """Remove one domain of a customer."""
    domain, number = _find(ctx, ctx.store.domains(ctx.account.api_user)), _subuser_in_query(ctx)
    left = [identifier for identifier in _ids(ctx, number) if identifier != domain["id"]]
    if left == _ids(ctx, number):
        raise ApiError(ErrorReason.UNKNOWN_SUBUSER)
    return _set_ids(ctx, number, left)


def _set_ids(ctx: Context, number: int, identifiers: list[int]) -> Any:
    ctx.store.change_customer(number, {"domains": json.dumps(identifiers)})
    return NO_CONTENT


def _ids(ctx: Context, number: int) -> list[int]:
    return ctx.store.read_customer(number)["domains"]


def _associated(ctx: Context, number: int) -> list[dict[str, Any]]:
    domains = {domain["id"]: domain for domain in ctx.store.domains(ctx.account.api_user)}
    return [domains[identifier] for identifier in _ids(ctx, number)]


def _subuser_in_query(ctx: Context) -> int:
    username = ctx.call.query_value("username")
    ctx.refuse_if(validation.required_text("username", username))
    return ctx.find_subuser(ErrorReason.UNKNOWN_SUBUSER, username)


def _visible(ctx: Context) -> list[dict[str, Any]]:
    """All domains for the account, or only its own domains for a customer [own]."""
    user = ctx.user()
    domains = ctx.store.domains(ctx.account.api_user)
    if user == ctx.account.user:
        return domains
    name = ctx.store.read_user(user)["username"]
    return [domain for domain in domains if domain["username"] == name]


def _find(ctx: Context, domains: list[dict[str, Any]]) -> dict[str, Any]:
    found = [domain for domain in domains if str(domain["id"]) == ctx.call.path_parameters[DOMAIN_ID]]
    if not found:
        raise ApiError(ErrorReason.UNKNOWN_SUBUSER)
    return found[0]


def _shown(ctx: Context, domain: dict[str, Any], username: str | None = None) -> dict[str, Any]:
    """[doc] The form of an answer. `username`: the requested customer, or None for the owner of the domain."""
    owner = domain["username"]
    number = None if owner is None else ctx.store.find_customer(ctx.account.api_user, owner)
    host = f"{domain['subdomain']}.{domain['domain']}"
    record = {"valid": domain["valid"], "type": "cname", "data": f"u{ctx.account.id}.wl.example"}
    return {
        "id": domain["id"],
        "user_id": number or ctx.account.id,
        "subdomain": domain["subdomain"],
        "domain": domain["domain"],
        "username": username or owner or ctx.store.read_user(ctx.account.user)["username"],
        "ips": [],
        "custom_spf": False,
        "default": domain["default"],
        "legacy": False,
        "automatic_security": True,
        "valid": domain["valid"],
        "dns": {
            "mail_cname": {**record, "host": host},
            "dkim1": {**record, "host": f"s1._domainkey.{domain['domain']}"},
            "dkim2": {**record, "host": f"s2._domainkey.{domain['domain']}"},
        },
    }
