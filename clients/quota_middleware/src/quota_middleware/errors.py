"""What can go wrong, by what the application should do about it."""

from .problem import Problem


class QuotaError(Exception):
    """An error of the quota client or its middleware."""


class Refused(QuotaError):
    """A refusal by the server: limit reached, suspended, key or subscription not known."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.slug}: {problem.detail}")
        self.problem = problem


class Unavailable(QuotaError):
    """The server did not answer in time, nor after the retries.

    :param sent: the call may have reached the server, and may have been counted
    """

    def __init__(self, message: str, *, retry_after: float = 1.0, sent: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.sent = sent


class Misconfigured(Unavailable):
    """A service key that is wrong, revoked, or lacks a scope: no answer until it is replaced."""


class Mistake(QuotaError):
    """A mistake of the application: an unknown shape, a quantity below one."""
