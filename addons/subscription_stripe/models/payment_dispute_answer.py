from odoo import models
from odoo.exceptions import UserError

from .. import const
from ..exceptions import StripeRefused, StripeUnknown


class PaymentDispute(models.Model):
    """The merchant's answer to the bank: evidence, or acceptance."""

    _inherit = "payment.dispute"

    def action_submit(self):
        """Send the evidence to the bank, in one request: it takes an answer once.

        A second click finds the dispute answered. When Stripe does not answer, the next click
        sends the same again under the same key, and Stripe does it once.

        :raise UserError: nothing to send, too late, or Stripe refuses
        """
        dispute = self._by_staff()
        evidence = dispute.evidence_ids.filtered("is_done")
        if not evidence:
            raise UserError(self.env._(
                "There is nothing to send yet for %(dispute)s. Fill in the evidence first.",
                dispute=dispute.reference))
        values = {f"evidence[{line.name}]": line._stripe_value() for line in evidence}
        dispute._send_answer(f"disputes/{dispute.reference}", {**values, "submit": "true"})
        dispute.message_post(body=self.env._(
            "%(name)s sent the evidence.", name=self.env.user.name))

    def action_accept(self):
        """Accept the dispute: the customer keeps the money, and the dispute is lost.

        :raise UserError: it is closed, or Stripe refuses
        """
        dispute = self._by_staff()
        dispute._send_answer(f"disputes/{dispute.reference}/close", {})
        dispute.message_post(body=self.env._(
            "%(name)s accepted the dispute.", name=self.env.user.name))

    def _by_staff(self):
        """Return the dispute as the engine sees it, locked, for a user who may see it.

        :raise AccessError: the user may not
        :raise UserError: no answer is asked for
        """
        self.ensure_one()
        self.check_access("read")
        dispute = self.sudo()  # sudo: the right was checked; what follows is the engine's
        dispute.transaction_id._stripe_lock()
        dispute._lock()
        if not dispute.is_answerable:
            raise UserError(self.env._(
                "No answer is expected for %(dispute)s: %(status)s.", dispute=dispute.reference,
                status=dict(self._fields["status"]._description_selection(self.env))[
                    dispute.status]))
        return dispute

    def _send_answer(self, endpoint, values):
        """Send an answer to Stripe, and record what becomes of the dispute.

        The reply to a repeated answer is an old one, so the dispute is then fetched.

        :raise UserError: Stripe refuses, or nothing is known of the answer
        """
        try:
            self.provider_id._send_api_request(
                "POST", endpoint, data=values, idempotency_key=self._idempotency_key(endpoint))
            theirs = self.provider_id._send_api_request("GET", f"disputes/{self.reference}")
        except StripeRefused as refusal:
            raise UserError(str(refusal)) from refusal
        except StripeUnknown as error:
            raise UserError(self.env._(
                "Stripe did not answer. Click again in a minute: the bank receives it only "
                "once.")) \
                from error
        self._record_state(self.transaction_id, theirs)

    def _idempotency_key(self, what):
        """Return the idempotency key of an answer: the same until Stripe has counted it."""
        # sudo: the database's name for itself, no setting
        database = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return f"{database}/{what}/{self.submissions}"

    # Evidence -----------------------------------------------------------------------------------

    def _list_evidence(self):
        """List what the bank asks for by its reason, with what is known here already."""
        self.ensure_one()
        names = dict.fromkeys([  # each once, in this order
            *const.EVIDENCE_OF_ALL, *const.EVIDENCE_BY_REASON.get(self.reason, ()),
            *const.EVIDENCE_OF_OTHERS])
        known = self._known_evidence()
        self.env["payment.dispute.evidence"].create([
            {"dispute_id": self.id, "sequence": number, "name": name, "text": known.get(name)}
            for number, name in enumerate(names)])

    def _known_evidence(self):
        """Collect the texts that need nobody to write them. Extension point.

        :return: dict of a piece's name to its text
        """
        partner, line = self.partner_id, self.invoice_ids.invoice_line_ids[:1]
        period = line.subscription_period_id
        return {
            "customer_name": partner.name,
            "customer_email_address": partner.email,
            "billing_address": "\n".join(filter(None, map(
                str.strip, partner._display_address(without_company=True).splitlines()))),
            "product_description": "\n".join(
                self.invoice_ids.invoice_line_ids.filtered("name").mapped("name")),
            "service_date": period._dates_label() if period else False,
        }
