"""What can go wrong, by what the application should do about it."""

from .problem import Problem


class QuotaError(Exception):
    """Any of the below."""


class Refused(QuotaError):
    """The server said no: limit reached, suspended, key or subscription not known."""

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
    """The service key is wrong, revoked, or lacks a scope: no answer until it is mended."""


class Mistake(QuotaError):
    """The application asked for what cannot be: an unknown shape, a quantity below one."""
