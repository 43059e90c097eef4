import base64
import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.mimetypes import guess_mimetype

from .. import const

NAMES = [
    ("customer_name", "Name of the customer"),
    ("customer_email_address", "E-mail of the customer"),
    ("billing_address", "Billing address"),
    ("product_description", "What was sold"),
    ("service_date", "Date of the service"),
    ("receipt", "Invoice or receipt"),
    ("customer_communication", "Exchanges with the customer"),
    ("customer_purchase_ip", "IP address of the purchase"),
    ("access_activity_log", "Log of accesses"),
    ("customer_signature", "Signature of the customer"),
    ("service_documentation", "Proof of the service"),
    ("cancellation_policy", "Terms of cancellation"),
    ("cancellation_policy_disclosure", "How these terms were shown"),
    ("cancellation_rebuttal", "Why it was not cancelled"),
    ("refund_policy", "Terms of refund"),
    ("refund_policy_disclosure", "How the terms of refund were shown"),
    ("refund_refusal_explanation", "Why no refund is due"),
    ("duplicate_charge_id", "The other charge"),
    ("duplicate_charge_explanation", "What the other charge paid"),
    ("duplicate_charge_documentation", "Proof of the other charge"),
    ("uncategorized_text", "Anything else"),
    ("uncategorized_file", "Another document"),
]


class PaymentDisputeEvidence(models.Model):
    """One piece of the evidence the bank asks for."""

    _name = "payment.dispute.evidence"
    _description = "Evidence of a Dispute"
    _order = "dispute_id, sequence, id"
    _rec_name = "name"

    dispute_id = fields.Many2one(
        "payment.dispute", required=True, readonly=True, engine=True, index=True,
        ondelete="cascade")
    company_id = fields.Many2one(related="dispute_id.company_id", store=True, engine=True)
    sequence = fields.Integer(readonly=True, engine=True)
    name = fields.Selection(NAMES, string="Piece", required=True, readonly=True, engine=True)
    is_file = fields.Boolean(compute="_compute_is_file")
    text = fields.Text()
    file = fields.Binary(attachment=True, help="PDF, JPEG or PNG, 5 MB at most.")
    file_name = fields.Char()
    is_done = fields.Boolean(string="Ready", compute="_compute_is_done", store=True, engine=True)

    _once = models.Constraint(
        "UNIQUE(dispute_id, name)", "This piece is already on the list of the dispute.")

    @api.depends("name")
    def _compute_is_file(self):
        for line in self:
            line.is_file = line.name in const.EVIDENCE_FILES

    @api.depends("text", "file", "name")
    def _compute_is_done(self):
        for line in self:
            line.is_done = bool(
                line.file if line.name in const.EVIDENCE_FILES else (line.text or "").strip())

    @api.constrains("text")
    def _check_text(self):
        for line in self:
            if len(line.text or "") > const.MAX_EVIDENCE_TEXT:
                raise ValidationError(self.env._(
                    "%(piece)s: %(count)s characters at most.", piece=line.display_name,
                    count=const.MAX_EVIDENCE_TEXT))

    @api.constrains("file")
    def _check_file(self):
        for line in self.filtered("file"):
            content = base64.b64decode(line.with_context(bin_size=False).file)
            if len(content) > const.MAX_EVIDENCE_FILE \
                    or guess_mimetype(content) not in const.EVIDENCE_FILE_TYPES:
                raise ValidationError(self.env._(
                    "%(piece)s: give a PDF, JPEG or PNG file of 5 MB at most.",
                    piece=line.display_name))

    def write(self, vals):
        """Keep what the bank has read as it was.

        :raise UserError: no answer is asked for any more
        """
        if late := self.dispute_id.filtered(lambda dispute: not dispute.is_answerable):
            raise UserError(self.env._(
                "The evidence of %(dispute)s was sent already, or is not asked for.",
                dispute=late[0].reference))
        return super().write(vals)

    def _stripe_value(self):
        """Return what Stripe is sent: the text, or the number under which it has the file."""
        self.ensure_one()
        if not self.is_file:
            return self.text.strip()
        content = base64.b64decode(self.with_context(bin_size=False).file)
        return self.dispute_id.provider_id._stripe_upload(
            self.file_name or self.name, content, "dispute_evidence",
            f"{self.dispute_id._idempotency_key(self.name)}/{hashlib.sha256(content).hexdigest()}")
