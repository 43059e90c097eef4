"""The tests' payment server is never reached where real money moves; reasons of refusals."""

from odoo.exceptions import UserError, ValidationError
from odoo.tests import TransactionCase, tagged

from .. import const
from ..models.decline_words import DECLINE_WORDS
from .common import StripeCommon

PARAMETER = "subscription_stripe.api_base"


@tagged("post_install", "-at_install")
class TestApiBase(StripeCommon, TransactionCase):

    def set_base(self, value):
        self.env["ir.config_parameter"].set_param(PARAMETER, value)

    def test_leads_to_the_server(self):
        self.assertEqual(
            self.provider._build_request_url("payment_intents"),
            "http://127.0.0.1:1/v1/payment_intents")

    def test_without_it_requests_go_to_stripe(self):
        self.set_base(False)
        self.assertEqual(
            self.provider._build_request_url("payment_intents"),
            "https://api.stripe.com/v1/payment_intents")

    def test_other_machines_are_refused(self):
        for base in ("http://192.0.2.7:8420", "https://api.stripe.com.example", "127.0.0.1:8420",
                     "http://127.0.0.1.example.com", "ftp://127.0.0.1", "http://", "http://@evil",
                     "http://127.0.0.1@evil.example/"):
            with self.subTest(base=base), self.assertRaisesRegex(
                    ValidationError, "address of this machine"):
                self.set_base(base)

    def test_this_machine_is_accepted(self):
        for base in ("http://127.0.0.1:8420", "http://localhost:8420/", "http://[::1]:9"):
            self.set_base(base)

    def test_real_payments_are_refused(self):
        """Neither the state nor the key may be turned to production while the parameter is set."""
        with self.assertRaisesRegex(ValidationError, "takes real payments"):
            self.provider.state = "enabled"
        with self.assertRaisesRegex(ValidationError, "takes real payments"):
            self.provider.stripe_secret_key = "sk_live_x"
        self.set_base(False)
        self.provider.write({"state": "enabled", "stripe_secret_key": "sk_live_x"})
        with self.assertRaisesRegex(ValidationError, "takes real payments"):
            self.set_base("http://127.0.0.1:8420")

    def test_smuggled_in_it_is_refused_when_used(self):
        """A restored dump meets no constraint: the request is not sent, no card is declined."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_provider SET state = 'enabled' WHERE id = %s", [self.provider.id])
        self.provider.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "takes real payments") as caught:
            self.provider._send_api_request("GET", "payment_intents/pi_1")
        self.assertNotIsInstance(caught.exception, ValidationError)


@tagged("post_install", "-at_install")
class TestDeclines(StripeCommon, TransactionCase):

    def refuse(self, error, lang="en_US"):
        self.customer.lang = lang
        transaction = self.transaction(f"S{self.env['payment.transaction'].search_count([]):05}")
        transaction._apply_updates({"payment_intent": {
            "id": "pi_1", "status": "requires_payment_method", "last_payment_error": error}})
        self.assertEqual(transaction.state, "error")
        return transaction

    def test_kinds(self):
        """docs.stripe.com/declines/codes"""
        for code, kind in (
                ("insufficient_funds", "soft"), ("generic_decline", "soft"),
                ("do_not_honor", "soft"), ("try_again_later", "soft"),
                ("issuer_not_available", "soft"), ("lost_card", "hard"), ("stolen_card", "hard"),
                ("pickup_card", "hard"), ("fraudulent", "hard"), ("expired_card", "hard"),
                ("revocation_of_authorization", "hard"), ("transaction_not_allowed", "hard"),
                ("authentication_required", "authentication")):
            with self.subTest(code=code):
                transaction = self.refuse({"code": "card_declined", "decline_code": code})
                self.assertEqual(transaction._decline_kind(), kind)

    def test_code_without_decline_code(self):
        transaction = self.refuse({"code": "expired_card", "message": "Your card has expired."})
        self.assertEqual(transaction._decline_kind(), "hard")

    def test_advice_of_the_bank(self):
        transaction = self.refuse({
            "code": "card_declined", "decline_code": "generic_decline",
            "advice_code": "do_not_try_again"})
        self.assertEqual(transaction._decline_kind(), "hard")

    def test_reason_is_said_but_not_that_a_card_was_stolen(self):
        said = self.refuse({"code": "card_declined", "decline_code": "insufficient_funds"})
        self.assertIn("does not hold enough money", said.state_message)
        discreet = self.refuse({
            "code": "card_declined", "decline_code": "stolen_card", "message": "stolen!"})
        self.assertNotIn("stolen", discreet.state_message)

    def test_staff_read_more(self):
        """The code in words, what it means for another try, and what is not to be told."""
        for code, words, hard in (
                ("insufficient_funds", "does not hold enough money", False),
                ("expired_card", "has expired", True), ("stolen_card", "Do not tell", True),
                ("try_again_later", "Another try may work", False),
                ("of_next_year", "The bank refused: of_next_year.", False)):
            with self.subTest(code=code):
                transaction = self.refuse({"code": "card_declined", "decline_code": code})
                transaction.decline_kind = transaction._decline_kind()
                said = transaction._refusal_for_staff()
                self.assertIn(words, said)
                self.assertEqual("This card is not tried again." in said, hard)

    def test_every_code_that_we_tell_apart_has_words(self):
        known = const.HARD_CODES | const.AUTHENTICATION_CODES | const.HARD_ADVICE
        self.assertFalse(known - DECLINE_WORDS.keys())

    def test_reason_in_french(self):
        said = self.refuse({"code": "expired_card"}, lang="fr_FR")
        self.assertIn("carte a expiré", said.state_message)

    def test_same_request_same_key(self):
        """A repeated transaction has its reference, hence its key, hence one effect at Stripe."""
        transaction = self.transaction("S00077")
        self.assertEqual(transaction._stripe_metadata(), {
            "metadata[odoo_reference]": "S00077", "metadata[odoo_database]": self.database})
        self.assertTrue(transaction._stripe_is_ours({"metadata": self.ours("S00077")}))
        for metadata in (None, {}, self.ours("S00078"),
                         {**self.ours("S00077"), "odoo_database": "other"}):
            self.assertFalse(transaction._stripe_is_ours({"metadata": metadata}))
