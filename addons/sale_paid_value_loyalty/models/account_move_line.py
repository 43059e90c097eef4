from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _lowers_other_lines(self):
        """Exclude gift cards and eWallets: they pay for an invoice, and are no discount on it."""
        # sudo: accountants need no right on orders and programmes
        return (super()._lowers_other_lines()
                and not self.sudo().sale_line_ids.reward_id.program_id.filtered(
                    "is_payment_program"))

    def _discounted_lines(self, lines):
        """Put the invoice lines first that the reward's programme applies to."""
        groups = super()._discounted_lines(lines)
        rewards = self.sudo().sale_line_ids.filtered("reward_id")  # sudo: as above
        if not rewards:
            return groups
        rewarded = self.env["sale.order.line"].sudo().union(
            *(reward._rewarded_lines() for reward in rewards))
        of_reward = lines.filtered(lambda line: line.sudo().sale_line_ids & rewarded)
        return [groups[0] & of_reward, of_reward, *groups]
