from datetime import date, datetime, timedelta

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestCalendar(HttpCase, BookingCommon):
    """INSAHO §2.2 and §3.4: « calendrier de formations », as anybody sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        category = cls.env["event.tag.category"].create({"name": "Theme"})
        cls.theme, cls.other_theme = cls.env["event.tag"].create(
            [{"name": name, "category_id": category.id} for name in ("Voice", "Body")])
        cls.trainer = cls.env["res.partner"].create({"name": "Thea Trainer"})

    def at(self, day, name="Public speaking", **vals):
        return self.make_session(
            name=name, date_begin=f"{day} 09:00", date_end=f"{day} 11:00", **vals)

    def shown(self, query):
        """List the names of the sessions on the page, of those made by the test."""
        page = self.url_open(f"/trainings?{query}")
        self.assertEqual(page.status_code, 200)
        grid_or_list = page.text.split("o_training_list")[-1]
        return sorted(name for name in self.names if f">{name}<" in grid_or_list)

    def make(self, **sessions):
        """Make sessions of these names; their values may hold ``day``."""
        self.names = list(sessions)
        for name, vals in sessions.items():
            self.at(vals.pop("day", "2031-03-12"), name, **vals)

    def test_month_week_and_list(self):
        self.make(Early={"day": "2031-03-03"}, Same={"day": "2031-03-05"},
                  Later={"day": "2031-03-20"}, Next={"day": "2031-04-01"})
        self.assertEqual(self.shown("month=2031-03"), ["Early", "Later", "Same"])
        self.assertEqual(self.shown("view=month&date=2031-04-15"), ["Next"])
        self.assertEqual(self.shown("view=week&date=2031-03-04"), ["Early", "Same"])
        self.assertEqual(
            self.shown("view=list&date_from=2031-03-05"), ["Later", "Next", "Same"])
        self.assertEqual(
            self.shown("date_from=2031-03-05&date_to=2031-03-20"), ["Later", "Same"])

    def test_a_period_is_read_through_its_index(self):
        """However many sessions there are: PostgreSQL takes it once sorting and scans cost."""
        calendar, website = self.env["session.calendar"], self.env["website"].search([], limit=1)
        period = calendar._begins_between(website, date(2031, 3, 1), date(2031, 4, 1))
        query = self.env["event.event"]._search(
            calendar._shown_domain(website) & period, order="date_begin, id")
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = self.env.execute_query(SQL("EXPLAIN %s", query.select()))
        self.assertIn("Index Scan using event_event_calendar", str(plan))

    def test_days_are_those_of_the_company(self):
        """22:30 UTC on 31 March is 1 April in Paris."""
        self.names = ["Night"]
        self.make_session(
            name="Night", date_begin="2031-03-31 22:30", date_end="2031-03-31 23:30")
        self.assertEqual(self.shown("month=2031-03"), [])
        self.assertEqual(self.shown("month=2031-04"), ["Night"])

    def test_filters(self):
        self.make(
            Voice={"tag_ids": self.theme.ids, "address_id": False},
            Body={"tag_ids": self.other_theme.ids, "trainer_id": self.trainer.id},
            Full={"seats_max": 1, "address_id": False}, Dear={"credit_price": 9})
        full = self.env["event.event"].search([("name", "=", "Full")])
        self.env["event.registration"].create(
            {"event_id": full.id, "name": "Guest", **self.outside})
        for query, names in (
                (f"theme={self.theme.id}", ["Voice"]),
                (f"trainer={self.trainer.id}", ["Body"]),
                ("place=online", ["Full", "Voice"]),
                ("place=onsite", ["Body", "Dear"]),
                ("seats=1", ["Body", "Dear", "Voice"]),
                (f"seats=1&place=online&theme={self.theme.id}", ["Voice"]),
                ("affordable=1", ["Body", "Dear", "Full", "Voice"])):
            self.assertEqual(self.shown(f"month=2031-03&{query}"), names, query)
        page = self.url_open("/trainings?month=2031-03").text
        for choice in ("Voice", "Body", "Thea Trainer"):
            self.assertRegex(page, rf"<option[^>]*>{choice}</option>")

    def test_payable_with_my_balance(self):
        user = new_test_user(self.env, "buyer", "base.group_portal", lang="en_US")
        self.wallet = self.env["credit.wallet"]._of(user.partner_id, self.company)
        self.give(2)
        self.give(5, expiry_date=self.company._credit_today())
        self.make(Cheap={}, Dear={"credit_price": 7}, Dearer={"credit_price": 8})
        self.authenticate("buyer", "buyer")
        self.assertEqual(self.shown("month=2031-03&affordable=1"), ["Cheap", "Dear"])

    def test_a_seat_held_is_not_left(self):
        session = self.at("2031-03-12", seats_max=1)
        seat = self.env["event.registration"].create(
            {"event_id": session.id, "name": "Guest", **self.outside})
        self.give(2)
        self.env["session.waiting"]._join(session, self.customer)
        seat.action_cancel()
        self.names = [session.name]
        self.assertEqual(self.shown("month=2031-03&seats=1"), [])
        self.assertIn("Full", self.url_open("/trainings?month=2031-03").text)

    def test_list_by_pages(self):
        begin = datetime(2031, 3, 1, 9)
        self.env["event.event"].create([{
            "name": f"No{number:02}", "event_type_id": self.training.id, "is_published": True,
            "date_begin": begin + timedelta(hours=number),
            "date_end": begin + timedelta(hours=number + 1)} for number in range(35)])
        self.names = [f"No{number:02}" for number in range(35)]
        self.assertEqual(self.shown("view=list&date_from=2031-03-01"), self.names[:30])
        page = self.url_open("/trainings/page/2?view=list&date_from=2031-03-01").text
        self.assertIn(">No34<", page)
        self.assertNotIn(">No29<", page)

    def test_odd_parameters(self):
        self.make(Any={})
        for query in ("view=moon", "date=2031-13-45", "date=0001-01-01", "date=9999-12-31",
                      "theme=%F0%9F%92%A9", "theme=99999999999999999999", "trainer=-1",
                      "date_from=x&date_to=y", "date_from=2031-03-05&date_to=2031-03-01",
                      "page=0", "view=list&page=999", "seats=no", "month=2031-03%27"):
            self.assertEqual(self.url_open(f"/trainings?{query}").status_code, 200, query)

    def test_training_page_shows_its_next_sessions(self):
        session = self.make_session()
        past = self.make_session(days=-3)
        page = self.url_open(f"/trainings/training/{self.training.id}").text
        self.assertIn(f"/trainings/{self.env['ir.http']._slug(session)}", page)
        self.assertNotIn(f"/trainings/{self.env['ir.http']._slug(past)}", page)
        secret = self.training.copy({"name": "Secret"})
        self.make_session(event_type_id=secret.id, is_published=False)
        for unknown in (secret.id, 999999999):
            self.assertEqual(
                self.url_open(f"/trainings/training/{unknown}").status_code, 404)

    def queries(self, url):
        self.env.flush_all()
        before = self.cr.sql_log_count
        self.assertEqual(self.url_open(url).status_code, 200)
        return self.cr.sql_log_count - before

    def test_queries_do_not_grow_with_the_sessions(self):
        """5,000 sessions elsewhere, or 40 more on the page: the same number of queries."""
        url = "/trainings?month=2031-03"
        self.at("2031-03-12", tag_ids=self.theme.ids, trainer_id=self.trainer.id)
        self.queries(url)
        few = self.queries(url)
        self.env["event.event"].create([{
            "name": "Many", "event_type_id": self.training.id, "is_published": True,
            "tag_ids": self.theme.ids, "trainer_id": self.trainer.id,
            "date_begin": f"2031-{month:02}-{day:02} 09:00",
            "date_end": f"2031-{month:02}-{day:02} 10:00"}
            for month in (3, 4) for day in range(1, 21) for _twice in range(2)])
        many = self.queries(url)
        self.assertLessEqual(many, few, f"{many} queries instead of {few}")
        self.assertLessEqual(many, 60)
