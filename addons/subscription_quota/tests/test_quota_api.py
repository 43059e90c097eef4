"""The quota API over HTTP: answers, problems, keys, and what it costs."""

import json
import os
import tempfile
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import Cursor
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import html2plaintext

from odoo.addons.subscription_billing.tools import civil

from ..controllers import quota as controller
from .common_quota import QuotaCommon

KEEP = {"Accept-Language": "en"}


class QuotaApiCommon(QuotaCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = civil.local_day(fields.Datetime.now(), "Europe/Paris")
        cls.subscription = cls.active(cls.starter, cls.today - timedelta(days=3))
        cls.key, cls.token = cls.make_key(partner_id=cls.customer.id, can_history=True)

    def call(self, path, body=None, token=None, key=None, **headers):
        """Call the API, by POST when there is a body; return (status, the object answered,
        headers).

        :return: (status, the object answered, headers); POST when there is a body
        """
        headers = {**KEEP, **headers, "Authorization": f"Bearer {token or self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        data = body if isinstance(body, str) else json.dumps(body)
        answer = self.url_open(
            f"/quota/v1/{path}", None if body is None else data,
            headers=headers if body is None else {"Content-Type": "application/json", **headers})
        return answer.status_code, answer.json() if answer.content else None, answer.headers

    def assertProblem(self, answer, status, slug, **members):
        """Check that the answer is this problem, as RFC 9457 has it."""
        self.assertEqual((answer[0], answer[1]["status"]), (status, status), answer[1])
        self.assertEqual(answer[1]["type"], f"/quota/v1/problems/{slug}")
        self.assertEqual(answer[2]["Content-Type"], "application/problem+json")
        self.assertLessEqual(
            {"title", "detail", "instance"} | members.keys(), answer[1].keys())
        self.assertEqual({name: answer[1][name] for name in members}, members)
        self.assertNotIn("Set-Cookie", answer[2])


@tagged("post_install", "-at_install")
class TestQuotaApi(QuotaApiCommon):

    def test_consume_to_the_limit(self):
        status, answer, headers = self.call("consume", {"metric": "scans", "quantity": 99})
        self.assertEqual(status, 200)
        resets_on = self.subscription._quota_rows(["scans"])[0]["resets_on"]
        self.assertEqual(answer, {"allowed": True, "items": [{
            "metric": "scans", "used": 99, "limit": 100, "left": 1,
            "resets_on": str(resets_on), "mode": "hard", "overage": 0}]})
        self.assertNotIn("Set-Cookie", headers)
        self.assertEqual(self.call("consume", {"metric": "scans"})[1]["items"][0]["left"], 0)
        refused = self.call("consume", {"metric": "scans"})
        self.assertProblem(refused, 429, "limit_reached", metric="scans", used=100, limit=100,
                           resets_on=str(resets_on))
        self.assertIn(f"/my/subscriptions/{self.subscription.id}", refused[1]["upgrade_url"])
        days = int(refused[2]["Retry-After"]) / 86400
        self.assertAlmostEqual(days, (resets_on - self.today).days, delta=1)

    def test_batch_all_or_nothing(self):
        items = [{"metric": "scans", "quantity": 60}, {"metric": "accounts", "quantity": 2},
                 {"metric": "scans", "quantity": 20}]
        _status, answer, _headers = self.call("consume", {"items": items})
        self.assertEqual(
            [(item["metric"], item["used"]) for item in answer["items"]],
            [("scans", 80), ("accounts", 2), ("scans", 80)])
        refused = self.call("consume", {"items": items[:2]})
        self.assertProblem(refused, 429, "limit_reached", metric="scans")
        self.assertEqual(self.used(self.subscription, "accounts"), 2)
        self.assertEqual(self.used(self.subscription), 80)

    def test_release(self):
        self.call("consume", {"metric": "accounts", "quantity": 3})
        self.assertProblem(
            self.call("consume", {"metric": "accounts"}), 429, "limit_reached", limit=3)
        status, answer, _headers = self.call("release", {"metric": "accounts", "quantity": 2})
        self.assertEqual((status, answer["items"][0]["used"]), (200, 1))
        self.assertProblem(self.call("release", {"metric": "accounts", "quantity": 2}),
                           422, "invalid")
        self.assertProblem(self.call("release", {"metric": "scans"}), 422, "invalid")
        self.subscription.state = "suspended"
        self.assertEqual(self.call("release", {"metric": "accounts"})[0], 200)

    def test_check_consumes_nothing(self):
        for quantity, allowed in ((100, True), (101, False)):
            status, answer, _headers = self.call(
                "check", {"metric": "scans", "quantity": quantity})
            self.assertEqual((status, answer["allowed"]), (200, allowed))
            self.assertEqual(answer["items"][0]["used"], 0)
        self.assertFalse(self.call("check", {"metric": "api_access"})[1]["allowed"])
        self.assertProblem(self.call("consume", {"metric": "api_access"}), 422, "invalid")
        self.limit(self.starter, self.api_access, 1)
        self.env.flush_all()
        self.assertTrue(self.call("check", {"metric": "api_access"})[1]["allowed"])

    def test_same_key_same_answer(self):
        body = {"metric": "scans", "quantity": 5}
        first = self.call("consume", body, key="k 1")
        again = self.call("consume", body, key="k 1")
        self.assertEqual(again[:2], first[:2])
        self.assertNotIn("Idempotent-Replayed", first[2])
        self.assertEqual(again[2]["Idempotent-Replayed"], "true")
        self.assertEqual(self.used(self.subscription), 5)
        self.assertProblem(
            self.call("consume", {**body, "quantity": 6}, key="k 1"), 422, "invalid")
        self.assertProblem(self.call("consume", body, key="é"), 400, "malformed")
        _key, other = self.make_key(partner_id=self.customer.id, name="Other")
        self.call("consume", body, token=other, key="k 1")  # each API key has its own
        self.assertEqual(self.used(self.subscription), 10)

    def test_refusals_are_not_kept(self):
        """What was refused may be asked again under its key, after an upgrade."""
        body = {"metric": "scans", "quantity": 101}
        self.assertProblem(self.call("consume", body, key="k"), 429, "limit_reached")
        self.limit(self.starter, self.scans, 500)
        self.env.flush_all()
        self.assertEqual(self.call("consume", body, key="k")[0], 200)

    def test_keys_kept_a_day(self):
        body = {"metric": "scans"}
        self.call("consume", body, key="k")
        requests_ = self.env["quota.request"]
        requests_._gc_expired()
        self.assertEqual(requests_.search_count([("key", "=", "k")]), 1)
        self.env.cr.execute(
            "UPDATE quota_request SET expires_at = %s WHERE key = 'k'", (fields.Datetime.now(),))
        requests_.invalidate_model()
        self.assertEqual(self.call("consume", body, key="k")[1]["items"][0]["used"], 2)
        self.env.cr.execute(
            "UPDATE quota_request SET expires_at = %s WHERE key = 'k'", (fields.Datetime.now(),))
        requests_._gc_expired()
        self.assertFalse(requests_.search_count([("key", "=", "k")]))

    def test_suspended_and_paid(self):
        """Suspended: 402 with where to pay, at once; paid: answered at once."""
        self.subscription.state = "suspended"
        self.env.flush_all()
        for path in ("consume", "check"):
            problem = self.call(path, {"metric": "scans"})
            self.assertProblem(problem, 402, "suspended", state="suspended")
            self.assertIn(f"/my/subscriptions/{self.subscription.id}", problem[1]["pay_url"])
        state = self.call("entitlements")[1]
        self.assertEqual((state["state"], state["items"][0]["enabled"]), ("suspended", False))
        self.subscription.state = "active"
        self.env.flush_all()
        self.assertEqual(self.call("consume", {"metric": "scans"})[0], 200)

    def test_entitlements(self):
        self.call("consume", {"metric": "scans", "quantity": 4})
        status, answer, headers = self.call("entitlements")
        self.assertEqual(status, 200)
        self.assertEqual(
            {name: answer[name] for name in ("subscription", "plan", "state")},
            {"subscription": self.subscription.name, "plan": "Starter", "state": "active"})
        scans, accounts = answer["items"]
        self.assertEqual(
            {name: scans[name] for name in ("metric", "kind", "unit", "name", "used", "left")},
            {"metric": "scans", "kind": "period", "unit": "scans", "name": "Scans", "used": 4,
             "left": 96})
        self.assertEqual((accounts["metric"], accounts["resets_on"]), ("accounts", None))
        self.assertIn("private, max-age=", headers["Cache-Control"])
        self.assertEqual(
            self.call("entitlements", **{"If-None-Match": headers["ETag"]})[0], 304)
        self.call("consume", {"metric": "scans"})
        self.assertEqual(
            self.call("entitlements", **{"If-None-Match": headers["ETag"]})[0], 200)
        bare = self.active(self.make_plan("Bare"), self.today, partner_id=self.customer.id)
        self.assertEqual(
            self.call(f"entitlements?subscription={bare.name}")[1]["items"], [])

    def test_usage_by_pages(self):
        for quantity in (1, 2):
            self.call("consume", {"metric": "scans", "quantity": quantity})
        self.env.cr.execute(
            "INSERT INTO quota_usage_day (subscription_id, company_id, metric_id, day, consumed,"
            " released) SELECT subscription_id, company_id, metric_id, day - number, number, 0"
            " FROM quota_usage_day, generate_series(1, 150) number")
        page = self.call("usage?metric=scans&from=2020-01-01")[1]
        self.assertEqual((len(page["items"]), page["items"][0]["consumed"]), (100, 3))
        rest = self.call(
            f"usage?metric=scans&from=2020-01-01&cursor={page['next_cursor']}")[1]
        self.assertEqual((len(rest["items"]), rest["next_cursor"]), (51, None))
        days = [item["day"] for item in page["items"] + rest["items"]]
        self.assertEqual(days, sorted(set(days), reverse=True))
        by_default = [item["day"] for item in self.call("usage")[1]["items"]]
        self.assertEqual((by_default[0], by_default[-1]), (
            str(self.today), str(self.today - timedelta(days=controller.HISTORY_DAYS - 1))))
        far = urlsafe_b64encode(b"9999-12-31 1").decode()
        for query in ("from=tomorrow", "cursor=%C3%A9", "cursor=QQ", "metric=No",
                      "from=2027-02-02&to=2027-01-01", "from=2027-02-31", "to=0001-01-01",
                      "to=9999-12-31", "from=9999-12-31", f"cursor={far}"):
            with self.subTest(query=query):
                self.assertProblem(self.call(f"usage?{query}"), 422, "invalid")

    def test_malformed(self):
        """What cannot be understood is told, in words, and counts nothing."""
        for body, status, slug in (
                ("{", 400, "malformed"), ('{"a": NaN', 400, "malformed"),
                ("\udcff", 400, "malformed"), ("[" * 40000, 400, "malformed"),
                ("[]", 422, "invalid"), ({}, 422, "invalid"), ({"metric": 1}, 422, "invalid"),
                ({"metric": "scans", "quantity": 0}, 422, "invalid"),
                ({"metric": "scans", "quantity": True}, 422, "invalid"),
                ({"metric": "scans", "quantity": 1.5}, 422, "invalid"),
                ({"metric": "scans", "quantity": 10**30}, 422, "invalid"),
                ({"metric": "a\0b"}, 422, "invalid"), ({"metric": "sc ans"}, 422, "invalid"),
                ({"items": []}, 422, "invalid"), ({"items": [1]}, 422, "invalid"),
                ({"items": [{"metric": "scans"}] * 101}, 422, "invalid"),
                ({"items": [{"metric": "scans"}], "metric": "scans"}, 422, "invalid"),
                ({"metric": "scans", "more": 1}, 422, "invalid"),
                ({"metric": "scans", "subscription": "a\0b"}, 404, "not_found"),
                ({"metric": "scans", "subscription": 7}, 404, "not_found"),
                ({"metric": "nothing"}, 404, "not_found"),
                ('{"metric": "' + "a" * 70000 + '"}', 413, "too_large")):
            with self.subTest(body=str(body)[:60]):
                text = body.encode("utf-8", "surrogateescape").decode("latin-1") \
                    if isinstance(body, str) else body
                self.assertProblem(self.call("consume", text), status, slug)
        self.assertEqual(self.call("consume", {"metric": "scans", "quantity": 1.0})[0], 200)
        self.assertProblem(self.call(
            "consume", "a=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
            415, "media_type")
        self.assertProblem(self.call("consume"), 405, "method_not_allowed")
        self.assertProblem(self.call("entitlements", {}), 405, "method_not_allowed")
        self.assertProblem(self.call("nothing/here"), 404, "not_found")
        self.assertProblem(self.call("usage?cursor=a%00b"), 400, "malformed")
        served = self.call("openapi.json")[1]["paths"]
        self.assertIn("400", served["/usage"]["get"]["responses"])
        self.assertEqual(self.used(self.subscription), 1)

    def test_language_of_the_caller(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        for wanted, language in (("en", "en"), ("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("de", "fr")):
            answer = self.call("consume", {}, **{"Accept-Language": wanted})
            self.assertEqual(answer[2]["Content-Language"], language)
            self.assertEqual(answer[1]["title"] == "Invalid request", language == "en")

    def test_rate_limit(self):
        self.env["ir.config_parameter"].set_param(controller.RATE_PARAMETER, "3")
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.patch(controller, "rate", controller.RateLimit(
            clock=lambda: 90.0, path=os.path.join(folder, "rate")))
        self.assertEqual(
            [self.call("check", {"metric": "scans"})[0] for _time in range(4)],
            [200, 200, 200, 429])
        problem = self.call("consume", {"metric": "scans"})
        self.assertProblem(problem, 429, "rate_limited")
        self.assertEqual(problem[2]["Retry-After"], "30")
        _key, other = self.make_key(partner_id=self.customer.id, name="Other")
        self.assertEqual(self.call("check", {"metric": "scans"}, token=other)[0], 200)

    def test_openapi_is_served(self):
        document = self.url_open("/quota/v1/openapi.json").json()
        self.assertEqual(document["openapi"], "3.1.0")
        self.assertEqual(
            set(document["paths"]),
            {"/consume", "/release", "/check", "/entitlements", "/usage", "/openapi.json"})
        for slug in ("limit_reached", "suspended"):
            page = self.url_open(f"/quota/v1/problems/{slug}", allow_redirects=True)
            self.assertEqual(page.status_code, 200)
            self.assertIn(controller.PROBLEMS[slug][1]._source, page.text)
        self.assertEqual(self.url_open("/quota/v1/problems/none").status_code, 404)

    def test_hot_path_is_a_few_statements(self):
        """Neither the number of rows counted before nor the ORM is on the way."""
        for path, most in (("consume", 1), ("check", 1), ("entitlements", 2)):
            body = None if path == "entitlements" else {"metric": "scans"}
            self.call(path, body)
            with self.subTest(path=path), self.statements() as seen:
                self.call(path, body)
            ours = [statement for statement in seen if "quota_" in statement]
            self.assertEqual(len(ours), most, ours)
            self.assertFalse([one for one in ours if "res_users" in one], ours)
            self.assertLessEqual(len(seen), most + 4, seen)

    @contextmanager
    def statements(self):
        """List what the server asks of the database in the block, savepoints of the tests left out.
        """
        seen, execute = [], Cursor.execute

        def noted(cursor, query, *args, **kwargs):
            if "SAVEPOINT" not in str(query):
                seen.append(str(query))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", noted):
            yield seen


@tagged("post_install", "-at_install")
class TestQuotaKeys(QuotaApiCommon):

    def test_only_a_hash_is_kept(self):
        self.assertRegex(self.token, r"^qk_[0-9a-f]{16}_[\w-]{43}$")
        secret = self.token.split("_", 2)[2]
        for table in ("quota_api_key", "mail_message", "mail_tracking_value"):
            self.env.cr.execute(
                f"SELECT count(*) FROM {table} row WHERE row::text LIKE %s", (f"%{secret}%",))
            self.assertEqual(self.env.cr.fetchone(), (0,), table)
        self.assertNotIn("secret_hash", self.key.with_user(self.manager).read()[0])

    def test_not_this_key(self):
        start, lookup, secret = self.token.split("_", 2)
        for token in ("", "qk_", f"{start}_{lookup}_{secret[:-1]}A", f"{start}_{'0' * 16}_{secret}",
                      self.token.upper(), "qk_\u00e9"):
            with self.subTest(token=token):
                headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
                answer = self.url_open(
                    "/quota/v1/consume", '{"metric": "scans"}',
                    headers={**KEEP, "Content-Type": "application/json", **headers})
                self.assertEqual(answer.status_code, 401)
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.assertFalse(self.used(self.subscription))

    def test_scopes(self):
        self.key.write({"can_consume": False, "can_history": False})
        self.env.flush_all()
        for path, body in (("consume", {"metric": "scans"}), ("release", {"metric": "accounts"}),
                           ("usage", None)):
            self.assertProblem(self.call(path, body), 403, "forbidden")
        self.assertEqual(self.call("check", {"metric": "scans"})[0], 200)

    def test_another_customer(self):
        """« Another customer's key sees nothing »: 404, as if it did not exist."""
        other = self.active(
            self.starter, self.today, partner_id=self.make_customer("Robin").id)
        reference = {"subscription": other.name}
        for path, body in (
                ("consume", {"metric": "scans", **reference}),
                ("release", {"metric": "accounts", **reference}),
                ("check", {"metric": "scans", **reference}),
                (f"entitlements?subscription={other.name}", None),
                (f"usage?subscription={other.name}", None)):
            with self.subTest(path=path):
                self.assertProblem(self.call(path, body), 404, "not_found")
        self.assertFalse(self.used(other))

    def test_service_key_of_a_company(self):
        _key, token = self.make_key(is_service=True, can_history=True)
        self.assertProblem(
            self.call("consume", {"metric": "scans"}, token=token), 422, "invalid")
        mine = {"metric": "scans", "subscription": self.subscription.name}
        self.assertEqual(self.call("consume", mine, token=token)[0], 200)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        _key, stranger = self.make_key(is_service=True, company_id=elsewhere.id)
        self.assertProblem(self.call("consume", mine, token=stranger), 404, "not_found")

    def test_several_subscriptions(self):
        """A customer who has two names one; a contact of the company counts as it."""
        second = self.active(self.pro, self.today)
        self.assertProblem(self.call("consume", {"metric": "scans"}), 422, "invalid")
        answer = self.call("consume", {"metric": "scans", "subscription": second.name})
        self.assertEqual(answer[1]["items"][0]["limit"], 1000)
        second.state = "ended"
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        _key, token = self.make_key(partner_id=contact.id)
        self.assertEqual(
            self.call("consume", {"metric": "scans"}, token=token)[1]["items"][0]["limit"], 100)

    def test_two_live_keys_and_no_third(self):
        action = self.key.with_user(self.manager).action_rotate()
        second = action["context"]["default_token"]
        for token in (self.token, second):
            self.assertEqual(self.call("check", {"metric": "scans"}, token=token)[0], 200)
        with self.assertRaisesRegex(UserError, "Two keys named Scanner are live already"):
            self.key.action_rotate()
        with self.refused_by_database():
            self.env.cr.execute(
                "INSERT INTO quota_api_key (name, partner_id, commercial_partner_id, company_id,"
                " slot) SELECT name, partner_id, commercial_partner_id, company_id, 2"
                " FROM quota_api_key WHERE id = %s", (self.key.id,))
        self.key.with_user(self.manager).action_revoke()
        self.env.flush_all()
        self.assertEqual(self.call("check", {"metric": "scans"})[0], 401)
        self.assertEqual(self.call("check", {"metric": "scans"}, token=second)[0], 200)
        self.assertEqual(self.key.revoked_by_id, self.manager)
        self.assertIn("Revoked", self.key.message_ids[0].body + self.key.message_ids[1].body)
        with self.assertRaisesRegex(UserError, "is revoked"):
            self.key.action_rotate()

    def test_audit(self):
        """Who made, changed, rotated and revoked a key, and when; never the key itself."""
        staff = self.env["quota.api.key"].with_user(self.manager)
        key = staff.create({"name": "Audited", "partner_id": self.customer.id})
        token = key.action_generate()["context"]["default_token"]
        self.env.cr.flush()
        key.can_history = True
        self.env.cr.flush()
        key.action_rotate()
        key.action_revoke()
        self.env.cr.flush()
        lines = key.sudo().message_ids.sorted("id")
        told = [html2plaintext(line.body) or line.tracking_value_ids.field_id.name
                for line in lines]
        for words in ("generated", "can_history", "Rotated", "Revoked", "revoked_at"):
            self.assertEqual(sum(words in line for line in told), 1, (words, told))
        self.assertEqual(lines.author_id, self.manager.partner_id)
        secret = token.rpartition("_")[2]
        self.assertNotIn(secret, "".join(told) + str(key.sudo().read()))

    def test_shown_once(self):
        """The dialog has it, no table does; then it cannot be had again."""
        key = self.env["quota.api.key"].with_user(self.manager).create(
            {"name": "Shown", "is_service": True})
        action = key.action_generate()
        shown = Form(self.env[action["res_model"]].with_user(self.manager).with_context(
            **action["context"]))
        self.assertRegex(shown.token, "^qk_")
        with self.assertRaisesRegex(UserError, "cannot be shown again"):
            self.key.action_generate()

    def test_who_may_make_keys(self):
        with self.assertRaises(AccessError):
            self.env["quota.api.key"].with_user(self.user).create(
                {"name": "Mine", "is_service": True})
        portal = self.make_portal("quota_portal")
        with self.assertRaises(AccessError):
            self.env["quota.api.key"].with_user(portal).search([])

    def test_last_use_a_minute_apart(self):
        self.call("check", {"metric": "scans"})
        self.key.invalidate_recordset()
        first = self.key.last_used_at
        self.assertAlmostEqual(first, fields.Datetime.now(), delta=timedelta(minutes=1))
        self.call("check", {"metric": "scans"})
        self.key.invalidate_recordset()
        self.assertEqual(self.key.last_used_at, first)
        self.key.last_used_at = first - timedelta(minutes=2)
        self.env.flush_all()
        self.call("check", {"metric": "scans"})
        self.key.invalidate_recordset()
        self.assertGreaterEqual(self.key.last_used_at, first)

    def test_portal_sees_its_own(self):
        """Counters, days and extra units of another customer are not the portal user's."""
        portal = self.make_portal("quota_portal")
        own = self.active(self.starter, self.today, partner_id=portal.partner_id.id)
        for subscription in (own, self.subscription):
            subscription._quota_consume("scans")
            subscription._quota_grant("scans", 1, f"gift {subscription.id}")
        for model in ("quota.counter", "quota.usage.day", "quota.grant"):
            self.assertEqual(
                self.env[model].with_user(portal).search([]).subscription_id, own, model)
