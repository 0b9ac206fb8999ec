# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The errors of this collection, for the person who runs the play: without secrets, addresses and tracebacks."""

from __future__ import annotations

import typing as t

# Whether a failed call took effect: the server did nothing, or nobody can tell.
NOT_APPLIED = "not done"
MAYBE_APPLIED = "unknown"
# Whose error it is. With an error of the account or of the server, every other call fails in the same way. The others
# are: a customer that the server does not know, and the one operation.
ACCOUNT = "account"
SERVER = "server"
UNKNOWN_CUSTOMER = "customer"
OPERATION = "operation"


class CollectionError(Exception):
    """The base class. `str()` gives the whole message."""


class InvalidInput(CollectionError):
    """The task asks for something impossible. Raised before any write. `problems` holds one text for each problem."""

    def __init__(self, problems: t.Sequence[str], about: str = "The options are not valid") -> None:
        self.problems = list(problems)
        super().__init__(f"{about}: {'; '.join(self.problems)}.")


class Cancelled(CollectionError):
    """A call was not made, because the run is cancelled."""

    def __init__(self) -> None:
        super().__init__("The run was stopped before that.")


class WireError(CollectionError):
    """An answer that is an error, or that does not come from the API.

    `messages`: the messages of the server; long ones are shortened. `left_out`: the number of further messages.
    `code`: the number in an error object, or None.
    `readable`: False if the bytes are not an answer of the API; `messages` then says why.
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
    """One failed call to the API.

    `reason`: what happened, as a clause without a full stop. `applied`: whether the server may have acted: NOT_APPLIED
    or MAYBE_APPLIED. `transient`: whether the same call can succeed later. `wait`: seconds that the server asks to
    wait, or None. `messages`, `code`, `shape`: of the server's own error. `status`: the HTTP status, or None without
    an answer.

    The API sets these three: `doing`: the operation and the customer. `concerns`: whose error it is. `may_settle`:
    whether the server may refuse a new customer like this for a while.
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
    """An unexpected exception. Its text may hold anything, so the message names only its type and its place."""

    def __init__(self, error: Exception) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
        super().__init__(
            f"An internal error of the collection ended the task: {type(error).__name__}{place}. Please report it."
        )


def as_collection_error(error: Exception) -> CollectionError:
    """`error` itself if it is a CollectionError, else an InternalError for it."""
    return error if isinstance(error, CollectionError) else InternalError(error)
