"""What the server answers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

# In these states of the subscription its quotas may be used.
OPEN_STATES = frozenset({"trial", "active", "past_due"})


@dataclass(frozen=True, slots=True)
class Item:
    """One metric after the call: units; `limit` and `left` are None when there is no limit."""

    metric: str
    used: int
    limit: int | None
    left: int | None
    resets_on: date | None
    mode: str
    overage: int

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Item":
        """Read the item from an answer's JSON."""
        return cls(**_common(data))


@dataclass(frozen=True, slots=True)
class Entitlement(Item):
    """One metric of the plan, with what a page needs to show it."""

    kind: str = "period"
    name: str = ""
    unit: str = ""
    enabled: bool = True

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Entitlement":
        """Read the entitlement from an answer's JSON."""
        return cls(
            **_common(data), kind=data["kind"], name=data.get("name") or "",
            unit=data.get("unit") or "", enabled=bool(data.get("enabled", True)))

    def has(self, quantity: int) -> bool:
        """Tell whether so many more units pass; a soft limit lets them pass and bills them."""
        if self.kind == "feature":
            return self.enabled
        return self.left is None or self.mode != "hard" or self.left >= quantity


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was allowed."""

    items: tuple[Item, ...]
    replayed: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any], replayed: bool = False) -> "Answer":
        """Read an answer's JSON; `replayed` when it is that of an earlier call."""
        return cls(tuple(Item.read(item) for item in data["items"]), replayed)


@dataclass(slots=True)
class Entitlements:
    """All that a subscription may use.

    :param read_at: ``time.monotonic()`` just before the server was asked: nothing in here is
        older than that
    """

    subscription: str
    plan: str | None
    state: str
    items: dict[str, Entitlement] = field(default_factory=dict)
    etag: str | None = None
    read_at: float = 0.0

    @classmethod
    def read(cls, data: Mapping[str, Any], etag: str | None, read_at: float) -> "Entitlements":
        """Read the entitlements from an answer's JSON.

        :param etag: by which the server recognises them
        :param read_at: see the class
        """
        return cls(
            data["subscription"], data.get("plan"), data["state"],
            {item["metric"]: Entitlement.read(item) for item in data["items"]}, etag, read_at)

    def allows(self, metric: str, quantity: int = 1) -> bool:
        """Tell whether so many units of a metric may be used, as far as is known here."""
        item = self.items.get(metric)
        return item is not None and self.state in OPEN_STATES and item.has(quantity)


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    resets_on = data.get("resets_on")
    return {
        "metric": data["metric"], "used": data.get("used") or 0, "limit": data.get("limit"),
        "left": data.get("left"), "mode": data.get("mode") or "hard",
        "overage": data.get("overage") or 0,
        "resets_on": date.fromisoformat(resets_on) if resets_on else None}
