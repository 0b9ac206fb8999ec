# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of any size. Each customer depends only on its number, so a test can compute the same customers."""

from __future__ import annotations

from .seed import DEFAULT_SEED, Seed

# Name, state and country of each city. The customers take the cities in turn.
_CITIES = (
    ("Portland", "ME", "US"),
    ("Bergen", "Vestland", "NO"),
    ("Saint-Étienne", "Loire", "FR"),
    ("Graz", "Styria", "AT"),
)
_FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dörte", "Emil")
_LAST_NAMES = ("Okafor", "Nilsen", "O'Hara")


def customer(number: int) -> dict[str, str]:
    """The attributes of a customer by wire name: all that a creation needs, except for `confirm_password`.

    `number`: from 1 on. Both behaviours store each value unchanged.
    """
    padded = f"{number:05}"
    city, state, country = _CITIES[number % len(_CITIES)]
    return {
        "username": f"customer-{padded}@fleet.example",
        "password": f"password-{padded}",
        "email": f"contact-{padded}@fleet.example",
        "first_name": _FIRST_NAMES[number % len(_FIRST_NAMES)],
        "last_name": _LAST_NAMES[number % len(_LAST_NAMES)],
        "address": f"{number} Harbour Street",
        "city": city,
        "state": state,
        "zip": padded,
        "country": country,
        "phone": f"+1 207 555 {padded}",
        "website": f"https://customer-{padded}.fleet.example/",
        "company": f"Company {padded} & Sons",
        "package": "Bronze",
        "whitelabel": f"customer-{padded}.fleet.example",
    }


def seed(customers: int) -> Seed:
    """The usual account with the given number of customers."""
    return Seed(DEFAULT_SEED.accounts, [customer(number) for number in range(1, customers + 1)])
