from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import lock_in_order


class CreditWallet(models.Model):
    """The part of wallets that handles merges of the contacts who own them.

    One wallet per company survives and gets all credits, with their value and expiry. The others
    are kept for their history, which is never rewritten; credits that come back to them later, for
    example from a cancelled booking, are handed over at once.
    """

    _inherit = "credit.wallet"

    @api.model
    def _merge_owners(self, partners, kept):
        """Merge the wallets of several contacts into one wallet per company.

        :param partners: the ``res.partner`` records that disappear
        :param kept: the ``res.partner`` that stays
        """
        # sudo: whoever may merge contacts merges what they own
        wallets = self.sudo().search([("partner_id", "in", (partners | kept).ids)])
        lock_in_order(wallets)
        for owned in wallets.grouped("company_id").values():
            survivor = owned.filtered(lambda wallet: wallet.partner_id == kept) or owned[-1]
            for wallet in owned - survivor:
                wallet._merge_into(survivor)
        self.env.flush_all()

    def _merge_into(self, survivor):
        """Hand everything over to another wallet of the company, for good."""
        self.ensure_one()
        survivor.message_post(body=self.env._(
            "The wallet of %(name)s was merged into this one: %(credits)s.",
            name=self.partner_id.display_name, credits=self._credits_label(self.balance)))
        self._hand_over(survivor)
        self.write({"active": False, "merged_into_id": survivor.id})

    def _hand_over(self, survivor):
        """Move all credits, open debts and people to another wallet.

        Extension point: modules whose records name a wallet move these records, too.
        """
        self.ensure_one()
        survivor.spender_ids = [fields.Command.link(partner.id) for partner in self.spender_ids]
        self.debt_ids.wallet_id = survivor
        if credits := self.balance:
            balance = self._move_balance(-credits)
            moves = self._open_lots()._take_credits(credits)
            key = f"merge:wallet:{self.id}:{len(self.entry_ids)}"
            origin = f"{self.partner_id.name} → {survivor.partner_id.name}"
            given = self._write_entry("transfer", f"{key}:out", balance, moves, origin=origin)
            survivor._receive(given, f"{key}:in", origin)

    def _survivor(self):
        """Return the wallets that replaced these, or these themselves when not merged."""
        wallets = self
        while merged := wallets.filtered("merged_into_id"):
            wallets = (wallets - merged) | merged.merged_into_id
        return wallets
