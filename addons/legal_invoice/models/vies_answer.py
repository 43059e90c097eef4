import logging
from datetime import timedelta

import psycopg2
from stdnum import util
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError as NumberError

from odoo import api, fields, models

from ..tools import without_separators
from .res_partner import EU_PREFIXES

_logger = logging.getLogger(__name__)

FRESH_DAYS = 30
PATIENCE = 3  # seconds a customer waits for VIES
PATIENCE_OF_CRON = 10
MOST_SILENT = 3  # registers of countries that do not answer, before VIES itself counts as down


class ViesAnswer(models.Model):
    _name = "vies.answer"
    _description = "Answer of VIES on a VAT number"
    _order = "asked_on desc, id desc"
    _rec_name = "vat"

    vat = fields.Char(string="VAT number", required=True, readonly=True)
    is_valid = fields.Boolean(readonly=True)
    asked_on = fields.Datetime(
        string="Answered on", readonly=True, help="Empty as long as VIES has not answered.")

    _vat_unique = models.Constraint("UNIQUE(vat)", "The answer on a number is kept once.")

    def _query_validity(self, numbers):
        """Tell whether each number is valid, from what is kept or from VIES itself.

        It never fails and never waits long: what VIES does not answer counts as not valid until
        the cron has asked again, and what it answered once counts until it answers otherwise.

        :param set numbers: VAT numbers of the EU
        :return: dict of number without separators to bool
        """
        numbers = {without_separators(number) for number in numbers}
        kept = {answer.vat: answer for answer in self.search([("vat", "in", list(numbers))])}
        known = {number: answer.is_valid for number, answer in kept.items()}
        fresh = fields.Datetime.now() - timedelta(days=FRESH_DAYS)
        late = self.browse()
        for number in sorted(numbers):
            answer = kept.get(number) or self._get_or_create(number)
            if answer.asked_on and answer.asked_on > fresh:
                continue
            # One that does not answer keeps the customer waiting once, not for each number.
            if late or not answer._ask_vies(PATIENCE):
                late += answer
            known[number] = answer.is_valid
        if late:
            self.env.ref("legal_invoice.ir_cron_vies")._trigger(
                fields.Datetime.now() + timedelta(minutes=10))
        return known

    @api.model
    def _get_or_create(self, number):
        """Return the row of a number, made once, whoever else makes it at the same moment."""
        self.env.cr.execute(
            "INSERT INTO vies_answer (vat, is_valid, create_date, write_date, create_uid, "
            "write_uid) VALUES (%s, false, now() at time zone 'UTC', now() at time zone 'UTC', "
            "%s, %s) ON CONFLICT (vat) DO UPDATE SET vat = excluded.vat RETURNING id",
            [number, self.env.uid, self.env.uid])
        return self.browse(self.env.cr.fetchone()[0])

    @api.model
    def _queue_unasked(self, domestic):
        """Let the cron ask about numbers that were typed while nobody was asked.

        Until it has, their owners are sold to with VAT.

        :param domestic: countries of the sellers, whose numbers are not asked about
        """
        abroad = self.env.ref("base.europe").country_ids - domestic
        prefixes = {EU_PREFIXES.get(code, code) for code in abroad.mapped("code")}
        partners = self.env["res.partner"].search([
            ("vat", "!=", False), ("vies_valid", "=", False)])
        numbers = {number for number in map(without_separators, partners.mapped("vat"))
                   if number[:2] in prefixes}
        for number in sorted(numbers):
            answer = self._get_or_create(number)
            if answer.is_valid:
                answer._tell_partners()
        if numbers:
            self.env.ref("legal_invoice.ir_cron_vies")._trigger()

    def _ask_vies(self, patience):
        """Ask VIES about the number, and keep what it says.

        :param int patience: seconds to wait for it
        :return: whether VIES answered
        """
        self.ensure_one()
        from odoo.tools import zeep  # noqa: PLC0415 (slow to import)
        try:
            # stdnum's own function hands on an argument that Odoo 19's SOAP client refuses.
            client = util.get_soap_client(eu_vat.vies_wsdl, timeout=patience)
            number = eu_vat.compact(self.vat)
            valid = client.checkVat(number[:2], number[2:])["valid"]
        except NumberError:
            valid = False  # not a number VIES knows of
        except (OSError, zeep.exceptions.Error) as error:
            _logger.info("VIES does not answer on %s: %s", self.vat, error)
            return False
        self.write({"is_valid": valid, "asked_on": fields.Datetime.now()})
        return True

    @api.model
    def _cron_ask_again(self):
        """Ask again what VIES has not answered; the customers of these numbers follow.

        VIES asks the register of each country. One that is silent keeps no other waiting.
        """
        domain, silent, time_left = [("asked_on", "=", False)], set(), True
        for answer in self.search(domain, order="id"):
            if answer.vat[:2] in silent or not answer.try_lock_for_update():
                continue
            if answer._ask_vies(PATIENCE_OF_CRON):
                answer._tell_partners()
            else:
                silent.add(answer.vat[:2])
            time_left = self.env["ir.cron"]._commit_progress(1)
            if len(silent) == MOST_SILENT or not time_left:
                break
        if self.search_count(domain, limit=1):
            self.env.ref("legal_invoice.ir_cron_vies")._trigger(
                fields.Datetime.now() + timedelta(hours=1) if silent else None)

    def _tell_partners(self):
        """Write the answer on the partners that have the number; one that fails stops no other."""
        for partner in self.env["res.partner"].search([("vat", "=", self.vat)]):
            try:
                with self.env.cr.savepoint():
                    partner.vies_valid = self.is_valid
                    self.env.flush_all()
            except psycopg2.OperationalError:
                raise  # a conflict or a lost server is no fault of the partner
            except Exception:
                _logger.exception("The answer of VIES on %s was not written", partner)
                self._tell_staff(partner)

    def _tell_staff(self, partner):
        """Plan an activity, once, about a customer on whom the answer cannot be written."""
        user = self.env.ref("base.user_admin")
        speaking = partner.with_context(lang=user.lang)
        summary = speaking.env._(
            "VIES has answered on %(vat)s, and it could not be written here", vat=self.vat)
        if summary not in partner.activity_ids.mapped("summary"):
            partner.activity_schedule(
                "mail.mail_activity_data_todo", user_id=user.id, summary=summary)
