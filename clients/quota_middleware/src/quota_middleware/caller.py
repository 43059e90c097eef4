"""Whose quota a call uses."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """A subscription that the application's service key names, or the caller's own key.

    :param language: what the caller accepts, as in ``Accept-Language``: refusals come in it
    """

    subscription: str | None = None
    api_key: str | None = field(default=None, repr=False)
    language: str | None = None

    @property
    def account(self) -> str:
        """Return the name under which what is known of the caller is kept; it holds no secret."""
        if self.api_key is None:
            return f"subscription {self.subscription}"
        digest = hashlib.sha256(self.api_key.encode()).hexdigest()
        return f"key {digest} {self.subscription or ''}"
