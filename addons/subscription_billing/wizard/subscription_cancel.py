from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.feedback import say

CHOICES = [
    ("no", "No: keep the order, stop the renewals"),
    ("yes", "Yes: cancel the order at once"),
]


class SubscriptionCancel(models.TransientModel):
    """Wizard to cancel with the order, or at the end of what is paid (agency cases 5 and 6).

    It says before what a cancellation at once credits, and offers after to give it back.
    """

    _name = "subscription.cancel"
    _description = "Cancel a Subscription"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    currency_id = fields.Many2one(related="subscription_id.currency_id")
    cancel_order = fields.Selection(
        CHOICES, string="Cancel the current order, too?", required=True, default="no")
    is_at_once = fields.Boolean(
        string="Takes effect at once", compute="_compute_effect",
        help="As chosen, or because no day that is paid is ahead.")
    bills_first = fields.Boolean(
        string="What is due is billed first", compute="_compute_effect",
        help="A period has begun that is not billed yet.")
    end_date = fields.Date(
        string="The service ends on", compute="_compute_effect", help="First day without it.")
    policy = fields.Selection(related="subscription_id.cancel_policy", string="Credit")
    problem = fields.Char(compute="_compute_preview")
    # Stored, so that it is what was shown when the button is pressed.
    credit_total = fields.Monetary(
        string="Credit note", compute="_compute_credit_total", store=True, readonly=False,
        precompute=True, help="Tax included.")
    pays_total = fields.Monetary(string="Of it, pays what is unpaid", compute="_compute_preview")
    in_favour = fields.Monetary(
        string="In favour of the customer", compute="_compute_preview")
    usage_total = fields.Monetary(
        string="Used beyond the limits, billed still", compute="_compute_preview",
        help="Tax included.")
    is_done = fields.Boolean(readonly=True)
    credit_line_ids = fields.Many2many(
        "account.move.line", compute="_compute_credit_line_ids", compute_sudo=True,
        string="To give back", help="What is left of the credit notes of the cancellation.")
    left_to_give_back = fields.Monetary(compute="_compute_credit_line_ids", compute_sudo=True)
    can_refund_to_card = fields.Boolean(compute="_compute_credit_line_ids", compute_sudo=True)

    @api.depends("cancel_order", "subscription_id")
    def _compute_effect(self):
        for wizard in self:
            subscription = wizard.subscription_id
            wizard.is_at_once = wizard._takes_effect_at_once()
            wizard.bills_first = bool(subscription) and subscription._is_behind()
            wizard.end_date = subscription and subscription.state != "ended" and (
                fields.Date.add(subscription._today(), days=1) if wizard.is_at_once
                else subscription._end_of_commitment())

    def _takes_effect_at_once(self):
        """Tell whether the cancellation is at once: as chosen, or because nothing that is paid is
        ahead, whatever becomes of the order."""
        return self.cancel_order == "yes" or bool(
            self.subscription_id and self.subscription_id._leaves_at_once())

    @api.depends("cancel_order", "subscription_id")
    def _compute_credit_total(self):
        for wizard in self:
            preview, _problem = wizard._preview()
            wizard.credit_total = preview.get("credit", 0.0)

    @api.depends("cancel_order", "subscription_id")
    def _compute_preview(self):
        for wizard in self:
            preview, wizard.problem = wizard._preview()
            wizard.update({
                "pays_total": preview.get("pays", 0.0), "usage_total": preview.get("usage", 0.0),
                "in_favour": preview.get("in_favour", 0.0)})

    def _preview(self):
        """Return what a cancellation at once would do, and why it cannot be made, if so.

        :return: (dict, see ``_preview_cancellation``; str or False)
        """
        if not self.subscription_id or self.is_done or not self._takes_effect_at_once():
            return {}, False
        try:
            return self.subscription_id._preview_cancellation(
                now=self.cancel_order == "yes"), False
        except UserError as error:
            return {}, str(error)

    @api.depends("subscription_id", "is_done")
    def _compute_credit_line_ids(self):
        for wizard in self:
            lines = self.env["account.move.line"]
            if wizard.is_done:
                # As the superuser: the amount is for whoever cancels; giving back needs the right.
                lines = wizard.subscription_id._credit_lines_left()
            wizard.credit_line_ids = lines
            wizard.left_to_give_back = sum(lines.mapped("outstanding_credit"))
            wizard.can_refund_to_card = bool(lines) and all(
                line.card_refund_transaction_id for line in lines)

    def action_confirm(self):
        """Cancel as chosen, for exactly the amount shown; then offer to give it back.

        :raise PreviewMismatch: it changed since
        """
        self.ensure_one()
        at_once = self._takes_effect_at_once()
        subscription = self.subscription_id._by_staff()
        subscription._cancel(
            now=self.cancel_order == "yes", expected_credit=self.credit_total)
        self.is_done = True
        if at_once and self.left_to_give_back:
            return self._open_done()
        return say(self.env._("%(subscription)s is cancelled. The customer is told by mail.",
                              subscription=subscription.name))

    def _open_done(self):
        """Open the same wizard again, with what can be given back."""
        return {
            "type": "ir.actions.act_window", "res_model": self._name, "res_id": self.id,
            "name": self.env._("Cancelled: give the money back?"), "target": "new",
            "views": [(self.env.ref(
                "subscription_billing.subscription_cancel_view_form_done").id, "form")]}

    def action_refund_to_card(self):
        """Give all that is left back to the card that paid, and say what became of it.

        :raise UserError: it cannot be given back to a card; nothing was sent
        """
        refunds = self._lines_of_user().move_id._refund_to_card()
        going = refunds.filtered(lambda each: each.state in ("done", "pending"))
        done = going and self.env._(
            "%(amount)s goes back to the card.",
            amount=self.currency_id.format(-sum(going.mapped("amount"))))
        if going == refunds:
            return say(done)
        notification = refunds._build_action_feedback_notification()
        notification["params"].update(sticky=True, message="\n".join(filter(None, [
            done, notification["params"]["message"],
            *(refunds - going).mapped("state_message")])))
        return notification

    def action_refund_by_transfer(self):
        """Record the transfer of all that is left, see ``account.move.line``."""
        amount = self._amount_to_give_back()
        for line in self._lines_of_user():
            line.action_refund_by_transfer()
        return say(self.env._(
            "The outgoing payment of %(amount)s is recorded. Make the transfer at your bank.",
            amount=amount))

    def _amount_to_give_back(self):
        return self.currency_id.format(self.left_to_give_back)

    def _lines_of_user(self):
        """Return what is left to give back, with the rights of the user alone.

        :raise UserError: nothing is left: the same click twice
        """
        if not self.left_to_give_back:
            raise UserError(self.env._("Nothing is left to give back."))
        return self.env["account.move.line"].browse(self.credit_line_ids.ids)
