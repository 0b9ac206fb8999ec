# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Masks secrets in results as Ansible does, in a time that depends only on the size of the result.

Ansible searches each text for each secret. With a password for each customer of a fleet, that takes minutes. This file
searches each text once, and calls Ansible's own function with the secrets that it finds there.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.parameters import remove_values

# With fewer secrets, Ansible's own function is as fast.
_MANY = 20
# A text of this length with many secrets belongs to a log, not to a result: one pass replaces all of them.
_LONG = 100_000
_PLACE = "*" * 8
# Shorter secrets are searched as a whole: a beginning of one letter would match in almost every text.
_SHORT = 8


def masked(value: t.Any, secrets: t.Iterable[str]) -> t.Any:
    """What `ansible.module_utils.common.parameters.remove_values` makes of `value`, a tree of plain values."""
    secrets = set(secrets)
    if len(secrets) < _MANY:
        return remove_values(value, secrets)
    return _Mask(secrets).of(value)


class _Mask:
    """Finds many secrets by their beginnings. Groups secrets with the same beginning, by the length of it."""

    def __init__(self, secrets: set[str]) -> None:
        self._by_beginning: dict[int, dict[str, list[str]]] = {}
        shortest = min((len(secret) for secret in secrets if len(secret) >= _SHORT), default=_SHORT)
        for secret in secrets:
            beginning = secret[:shortest] if len(secret) >= _SHORT else secret
            self._by_beginning.setdefault(len(beginning), {}).setdefault(beginning, []).append(secret)
        # The mask itself may hold one of these.
        self._always = {secret for secret in secrets if "*" in secret}

    def of(self, value: t.Any) -> t.Any:
        """The value without the secrets."""
        if isinstance(value, dict):
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return remove_values(value, self._within(str(value)))

    def _text(self, text: str) -> str:
        if len(text) > _LONG:
            return self._in_one_go(text)
        within = self._within(text)
        masked_text: str = remove_values(text, within) if within else text
        return masked_text

    def _found(self, text: str) -> t.Iterator[tuple[int, str]]:
        """The places in `text` where a secret begins, each with the secret. Several may begin at one place."""
        for length, secrets in self._by_beginning.items():
            for start in range(len(text) - length + 1):
                end = start + length
                for secret in secrets.get(text[start:end], ()):
                    if text.startswith(secret, start):
                        yield start, secret

    def _within(self, text: str) -> set[str]:
        found = {secret for _start, secret in self._found(text)}
        return found | self._always if found else found

    def _in_one_go(self, text: str) -> str:
        """The text without secrets, in one pass. Secrets that overlap get one mask."""
        pieces: list[str] = []
        end = 0
        for start, secret in sorted(self._found(text)):
            if start >= end:
                pieces += [text[end:start], _PLACE]
            end = max(end, start + len(secret))
        return "".join([*pieces, text[end:]])
