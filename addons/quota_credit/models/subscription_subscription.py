from odoo import models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import lock_in_order


class SubscriptionSubscription(models.Model):
    _inherit = "subscription.subscription"

    def _quota_buy_with_credits(self, pack, buyer, key):
        """Pay one pack of extra units from the wallet: one debit, one grant, one zero-payable
        invoice.

        The same key again changes nothing. Locks are taken in the order wallet, counter, invoice
        number.

        :param pack: the ``product.template`` of the pack
        :param buyer: the ``res.partner`` whose credits or whose company's are spent
        :param str key: of the click, unique for this subscription and pack
        :return: the ``quota.grant``
        :raise InsufficientCredits: the wallet holds less than the price; nothing was written
        :raise UserError: the pack is not sold for credits, or not for this subscription
        """
        self.ensure_one()
        self._check_quota_pack_for_credits(pack)
        key = f"quota:{self.id}:{pack.id}:{key}"
        wallet = self._quota_wallet(pack, buyer)
        local = self._in_customer_language()
        entry = wallet._spend(
            pack.quota_credit_price, key, kind="quota",
            origin=local.env._(
                "%(pack)s (%(subscription)s)", pack=pack.with_env(local.env).name,
                subscription=self.name))
        grant = self._quota_add_packs(pack, 1, key)
        if not entry.move_ids:
            entry._create_consumption_invoice(
                pack.product_variant_id, entry.origin, entry.partner_id)
        return grant

    def _quota_wallet(self, pack, buyer):
        """Choose the wallet to pay from and lock its row, before that of the counter.

        :return: the ``credit.wallet``
        :raise UserError: this person may spend from no wallet
        """
        wallet = self.env["credit.wallet"]._to_spend(
            buyer, self.company_id, pack.quota_credit_price)
        if not wallet:
            raise UserError(self.env._(
                "You may not spend credits of %(customer)s. Ask whoever manages the wallet.",
                customer=self.commercial_partner_id.name))
        lock_in_order(wallet)
        return wallet

    def _check_quota_pack_for_credits(self, pack):
        """Check that the pack can be paid with credits for this subscription.

        :raise UserError: names both, and the remedy
        """
        if pack not in self._quota_packs() or not pack.quota_credit_price:
            raise UserError(self.env._(
                "“%(pack)s” is not sold for credits for %(subscription)s. Choose another pack.",
                pack=pack.name, subscription=self.name))
