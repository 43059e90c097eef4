from lxml import etree

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestScreens(TransactionCase):

    def test_lists_open_on_their_own(self):
        """A list opened from a menu has no `parent`: a column that asks for it stops the page."""
        views = self.env["ir.ui.view"].search([
            ("type", "=", "list"), ("model", "=like", "subscription.%")])
        self.assertTrue(views)
        for view in views:
            asking = etree.fromstring(view.arch).xpath(
                "/list/*[contains(@column_invisible, 'parent.')]/@name")
            self.assertFalse(asking, view.xml_id)

    def test_mails_can_be_written_about_any_record(self):
        """Odoo renders a template about some record when it is saved, or renewed by an update."""
        customer = self.env["res.partner"].create({"name": "Camille", "lang": "en_US"})
        plan = self.env["subscription.plan"].create({
            "name": "Any", "family_id": self.env["subscription.family"].create({"name": "A"}).id,
            "price_ids": [(0, 0, {"interval_unit": "month", "amount": 10.0})]})
        draft = self.env["subscription.subscription"].create({
            "partner_id": customer.id, "plan_id": plan.id, "price_id": plan.price_ids.id})
        running = draft.copy({"price_id": plan.price_ids.id})
        running._start()
        running._change(quantity=2)
        for data in self.env["ir.model.data"].search([
                ("module", "=", "subscription_billing"), ("model", "=", "mail.template")]):
            template = self.env["mail.template"].browse(data.res_id)
            records = self.env[template.model].search([]) if template.model.startswith(
                "subscription.") else running.period_ids.invoice_id
            with self.subTest(template=data.name):
                self.assertTrue(records)
                template._render_field("body_html", records.ids)
