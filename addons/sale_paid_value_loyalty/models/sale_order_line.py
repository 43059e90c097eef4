from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _lowers_other_lines(self):
        """Gift cards and eWallets pay for an order: they are no discount on it."""
        # sudo: who may see the order need not see the programme
        return (super()._lowers_other_lines()
                and not self.sudo().reward_id.program_id.is_payment_program)

    def _discounted_lines(self, lines):
        """A reward lowers the lines that its programme is about."""
        groups = super()._discounted_lines(lines)
        if not self.reward_id:
            return groups
        rewarded = self._rewarded_lines() & lines
        return [groups[0] & rewarded, rewarded, *groups]

    def _rewarded_lines(self):
        """The lines of the order that the reward behind this line lowers, by Odoo's own rules."""
        self.ensure_one()
        order = self.sudo().order_id  # sudo: who may see the order need not see the programme
        reward = self.sudo().reward_id
        if reward.reward_type == "shipping":
            return order.order_line.filtered(lambda line: line._is_delivery()).sudo(False)
        if reward.discount_applicability == "specific":
            return order._get_specific_discountable_lines(reward).sudo(False)
        if reward.discount_applicability == "cheapest":
            return (order._cheapest_line(reward) or order.order_line.browse()).sudo(False)
        return (order.order_line - order._get_no_effect_on_threshold_lines()).sudo(False)
