from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    legal_form = fields.Selection(
        [("sas", "SAS"), ("sasu", "SASU"), ("sarl", "SARL"), ("eurl", "EURL"), ("sa", "SA"),
         ("snc", "SNC"), ("scop", "SCOP"), ("ei", "EI"), ("association", "Association")],
        help="Printed on every invoice (Code de commerce, art. R123-238; « EI » art. R526-27).")
    legal_capital = fields.Monetary(
        string="Share capital", help="Code de commerce, art. R123-238.")
    legal_rcs_city = fields.Char(
        string="City of the register (RCS)",
        help="Where the company is registered in trade and companies (Code de commerce, "
        "art. R123-237). Empty for those that are not registered.")
    legal_vat_regime = fields.Selection(
        [("normal", "Subject to VAT"),
         ("franchise", "Small business exemption (art. 293 B)"),
         ("exempt", "Exempt training (art. 261-4-4°)")],
        string="VAT regime", required=True, default="normal")
    legal_vat_mention = fields.Char(
        string="Mention of untaxed invoices", translate=True,
        help="The law that exempts from VAT, as printed (CGI, annexe II, art. 242 nonies A). "
        "Empty: the mention of the VAT regime.")
    legal_operation = fields.Selection(
        [("services", "Services"), ("goods", "Goods"), ("mixed", "Goods and services")],
        string="Category of operations", required=True, default="services",
        help="Printed when the lines do not tell (decree 2022-1299).")
    legal_vat_on_debits = fields.Boolean(
        string="VAT on debits",
        help="The company chose to owe VAT when it invoices (CGI, art. 269-2 c).")
    legal_late_penalty = fields.Char(
        string="Late payment penalties", translate=True,
        help="Code de commerce, art. L441-9 and L441-10. Empty: the rate of the law.")
    legal_recovery_fee = fields.Monetary(
        string="Fixed recovery charge", default=40.0,
        help="Owed by professionals who pay late (Code de commerce, art. D441-5).")
    legal_early_payment = fields.Char(
        string="Discount for early payment", translate=True,
        help="Code de commerce, art. L441-9. Empty: no discount.")
