from odoo import models


class CreditValidityMixin(models.AbstractModel):
    """Say how long credits are valid, as offered by a plan or as agreed on a subscription.

    The host has the fields ``credit_rollover`` and ``credit_validity_months``.
    """

    _name = "credit.validity.mixin"
    _description = "Validity of Credits"

    def _credit_validity_label(self):
        """Say how long the credits are valid, as people say it after « 10 crédits par mois, »."""
        self.ensure_one()
        if not self.credit_rollover:
            return self.env._("valid until the end of each period")
        if not self.credit_validity_months:
            return self.env._("without expiry date")
        if self.credit_validity_months == 1:
            return self.env._("valid for 1 month")
        return self.env._("valid for %(count)s months", count=self.credit_validity_months)
