from datetime import date, timedelta

from .test_cases import CasesCommon

REFUSED = date(2027, 2, 10)  # the first renewal


class DunningCommon(CasesCommon):
    """A subscription at 299.00 a month, begun and paid on 10 January."""

    def setUp(self):
        super().setUp()
        self.subscription = self.subscribe(
            self.make_plan("SEO", 299.0), date(2027, 1, 10), user_id=self.user.id)
        self.pay(self.invoices(self.subscription))

    def refuse(self, kind="soft"):
        """Let the renewal's charge be refused on the 10th of February.

        :return: the unpaid period
        """
        self.subscription.token_id = self.make_token("error")
        self.run_due(REFUSED)
        self.charge(REFUSED)
        period = self.subscription.period_ids.filtered(lambda each: each.state == "invoiced")
        period.transaction_ids.decline_kind = kind
        return period

    def dun(self, day, times=1):
        with self.at(day), self.enter_registry_test_mode():
            for _time in range(times):
                self.env.ref("subscription_billing.ir_cron_dun").method_direct_trigger()
        self.charge(day)

    def dun_each_day(self, first, last):
        for day in range(first, last + 1):
            self.dun(REFUSED + timedelta(days=day))

    def count(self, subject):
        return len([each for each in self.subjects() if each.startswith(subject)])

    def to_do(self):
        """List the activities of staff to follow up what is unpaid."""
        return self.subscription.activity_ids.filtered(
            lambda each: each.activity_type_id == self.env.ref(
                "subscription_billing.mail_activity_unpaid"))
