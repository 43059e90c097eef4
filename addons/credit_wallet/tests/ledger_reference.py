"""What the ledger must do, said a second time in plain Python, to compare it with.

Values are whole cents and days come from the standard library's own timezones, so that nothing
here shares a mistake with Odoo's floats, currencies or ORM.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Refused(Exception):
    """The operation breaks a rule: nothing changes."""


@dataclass
class Lot:
    expiry: date | None
    credits: int = 0
    cents: int = 0


@dataclass
class Entry:
    kind: str
    moment: datetime
    moves: list  # (number of the lot, credits, cents)
    balance: int
    reverses: int | None = None  # number of the entry
    credits: int = field(init=False)
    cents: int = field(init=False)

    def __post_init__(self):
        self.credits = sum(credits for _lot, credits, _cents in self.moves)
        self.cents = sum(cents for _lot, _credits, cents in self.moves)


class Reference:
    """One wallet: its lots, its entries, and what the lots held after each moment."""

    def __init__(self, moment):
        self.moment = moment  # UTC, without timezone, as Odoo stores it
        self.lots = []
        self.entries = []
        self.history = {}

    @property
    def balance(self):
        return sum(lot.credits for lot in self.lots)

    @property
    def cents(self):
        return sum(lot.cents for lot in self.lots)

    @property
    def today(self):
        return self.moment.replace(tzinfo=UTC).astimezone(PARIS).date()

    def grant(self, credits, cents, expiry):
        if expiry and expiry < self.today:
            raise Refused
        self.lots.append(Lot(expiry))
        self._post("adjustment", [(len(self.lots) - 1, credits, cents)])

    def spend(self, credits):
        if credits > sum(lot.credits for lot in self.lots if not self._expired(lot)):
            raise Refused
        self.expire()
        moves = []
        for number in sorted(range(len(self.lots)), key=self._order):
            lot = self.lots[number]
            taken = min(credits, lot.credits)
            if taken:
                moves.append((number, -taken, -self._share(lot, taken)))
                credits -= taken
        self._post("booking", moves)

    def expire(self):
        for number in sorted(range(len(self.lots)), key=self._order):
            lot = self.lots[number]
            if lot.credits and self._expired(lot):
                self._post("expiry", [(number, -lot.credits, -lot.cents)])

    def reverse(self, number):
        entry = self.entries[number]
        moves = [(lot, -credits, -cents) for lot, credits, cents in entry.moves]
        if (entry.reverses is not None
                or any(other.reverses == number for other in self.entries)
                or any(self.lots[lot].credits + credits < 0 for lot, credits, _cents in moves)):
            raise Refused
        self._post("reversal", moves, reverses=number)

    def _expired(self, lot):
        return bool(lot.expiry and lot.expiry < self.today)

    def _order(self, number):
        """Order by expiry, then by age; what never expires comes last."""
        return self.lots[number].expiry or date.max, number

    @staticmethod
    def _share(lot, taken):
        """Compute the cents of some credits of a lot, half a cent rounded up."""
        return (2 * lot.cents * taken + lot.credits) // (2 * lot.credits)

    def _post(self, kind, moves, reverses=None):
        for number, credits, cents in moves:
            self.lots[number].credits += credits
            self.lots[number].cents += cents
        self.entries.append(Entry(kind, self.moment, moves, self.balance, reverses))
        self.history[self.moment] = [replace(lot) for lot in self.lots]
