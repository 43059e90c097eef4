from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _lowers_other_lines(self):
        """Exclude gift cards and eWallets: they pay for an order, and are no discount on it."""
        # sudo: who may see the order need not see the programme
        return (super()._lowers_other_lines()
                and not self.sudo().reward_id.program_id.is_payment_program)

    def _is_given_by_promotion(self):
        """Count the free products of loyalty programmes: « one bought, one free »."""
        # sudo: who may see the order need not see the programme
        return (super()._is_given_by_promotion()
                or self.sudo().reward_id.reward_type == "product")

    def _discounted_lines(self, lines):
        """Put the lines first that the reward's programme applies to."""
        groups = super()._discounted_lines(lines)
        if not self.reward_id:
            return groups
        rewarded = self._rewarded_lines() & lines
        return [groups[0] & rewarded, rewarded, *groups]

    def _rewarded_lines(self):
        """Return the lines of the order that this line's reward lowers, by Odoo's rules."""
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
