import dataclasses
from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta


@dataclasses.dataclass(frozen=True)
class Period:
    """A civil month of a company.

    :ivar company: ``res.company``
    :ivar date first: its first day
    """

    company: Any
    first: date

    @property
    def last(self):
        """Return the last day of the month."""
        return self.first + relativedelta(months=1) - timedelta(days=1)

    @property
    def quarter_start(self):
        """Return the first day of the civil quarter: returns of the One Stop Shop are quarterly."""
        return self.first.replace(month=self.first.month - (self.first.month - 1) % 3)

    @property
    def name(self):
        """Return the month as files and addresses call it, such as 2026-11."""
        return f"{self.first:%Y-%m}"

    def shifted(self, months):
        """Return the month so many months later."""
        return Period(self.company, self.first + relativedelta(months=months))

    def posted(self):
        """Return the domain of the journal items posted in the month."""
        return [*self.until_end(), ("date", ">=", self.first)]

    def until_end(self):
        """Return the domain of the journal items posted until the end of the month."""
        return [("company_id", "=", self.company.id), ("parent_state", "=", "posted"),
                ("date", "<=", self.last)]

    def moves(self):
        """Return the domain of the journal entries of the month, drafts too."""
        return [("company_id", "=", self.company.id), ("date", ">=", self.first),
                ("date", "<=", self.last)]
