# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The errors of this collection, for the person who runs the play: no secret, no address, no traceback."""

from __future__ import annotations

import typing as t

# What is known of a call that failed: the server did nothing, or nobody can tell.
NOT_APPLIED = "not done"
MAYBE_APPLIED = "unknown"
# Whose error it is: of the account or of the server, so that every other call would fail in the same way; of a customer
# that the server does not know; or of the one operation.
ACCOUNT = "account"
SERVER = "server"
UNKNOWN_CUSTOMER = "customer"
OPERATION = "operation"


class CollectionError(Exception):
    """The base of them all; `str()` gives the whole sentence."""


class InvalidInput(CollectionError):
    """The task asks for something that cannot be. Raised before any write; `problems` holds one text for each."""

    def __init__(self, problems: t.Sequence[str], about: str = "The options are not valid") -> None:
        self.problems = list(problems)
        super().__init__(f"{about}: {'; '.join(self.problems)}.")


class Cancelled(CollectionError):
    """A call was not made, since no further call is wanted."""

    def __init__(self) -> None:
        super().__init__("The run was stopped before that.")


class WireError(CollectionError):
    """An answer that is an error, or no answer that the API gives.

    `messages`: the messages of the server, the longest of them cut. `left_out`: how many there are beyond them.
    `code`: the number in an error object, or None.
    `readable`: False when the bytes are not an answer of the API at all; `messages` then says why.
    `html`: the bytes look like a web page.
    """

    def __init__(
        self,
        messages: t.Sequence[str],
        code: int | None = None,
        readable: bool = True,
        html: bool = False,
        shape: str = "",
        left_out: int = 0,
    ) -> None:
        self.messages = list(messages)
        self.left_out = left_out
        self.code = code
        self.readable = readable
        self.html = html
        self.shape = shape
        super().__init__("; ".join(self.messages) or "an error without a message")


class CallError(CollectionError):
    """One call to the API that did not succeed.

    `reason`: what happened, as a clause without a full stop. `applied`: NOT_APPLIED or MAYBE_APPLIED, whether the
    server may have acted. `transient`: whether the same call can succeed later. `wait`: seconds that the server asks to
    wait, or None. `messages`, `code`, `shape`: of the server's own error. `status`: the HTTP status, or None without an
    answer. `doing`: what was being done and to which customer. `concerns`: whose error it is. `may_settle`: whether a
    customer that was only just created can be refused like this for a while. The API that was called sets these three.
    """

    def __init__(
        self,
        reason: str,
        applied: str,
        transient: bool = False,
        wait: float | None = None,
        messages: t.Sequence[str] = (),
        code: int | None = None,
        status: int | None = None,
        shape: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.applied = applied
        self.transient = transient
        self.wait = wait
        self.messages = list(messages)
        self.code = code
        self.status = status
        self.shape = shape
        self.advice = advice
        self.doing = ""
        self.concerns = OPERATION
        self.may_settle = False

    @property
    def recurs(self) -> bool:
        """Whether every other call would fail in the same way."""
        return self.concerns in (ACCOUNT, SERVER)

    def __str__(self) -> str:
        start = f"Could not {self.doing}: {self.reason}" if self.doing else self.reason
        return f"{start}. {self.advice}".rstrip() if self.advice else f"{start}."


class InternalError(CollectionError):
    """An exception that nobody thought of. Its text may hold anything, so only its kind and its place are told."""

    def __init__(self, error: Exception) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
        super().__init__(
            f"An internal error of the collection ended the task: {type(error).__name__}{place}. Please report it."
        )


def as_collection_error(error: Exception) -> CollectionError:
    """`error` itself if it is one of these, else the internal error that it comes to."""
    return error if isinstance(error, CollectionError) else InternalError(error)
