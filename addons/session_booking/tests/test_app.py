from odoo.tests import new_test_user, tagged

from .common_desk import DeskCommon

DESK = {"menu_training_calendar", "menu_training_sessions", "menu_training_today",
        "menu_training_bookings", "menu_training_waiting"}
PLANNER = DESK | {"menu_training_catalogue", "menu_training_attendance", "menu_training_themes"}


@tagged("post_install", "-at_install")
class TestApp(DeskCommon):
    """Issue 20, part 5: an app of its own, whose menus are those of each role."""

    def screens(self, user):
        """Return the names of the menus with a screen that this user sees in the app."""
        menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
        names, left = set(), [self.env.ref("session_booking.menu_trainings").id]
        while left:
            menu = menus.get(left.pop())
            if menu:
                left += menu["children"]
                names |= {menu["xmlid"].partition(".")[2]} if menu["action_id"] else set()
        return names - {"menu_trainings"}

    def test_each_role_sees_its_menus(self):
        manager = new_test_user(self.env, "event_boss", "event.group_event_manager")
        administrator = new_test_user(
            self.env, "root_boss", "event.group_event_manager,base.group_system")
        employee = new_test_user(self.env, "employee", "base.group_user")
        for user, expected in (
                (employee, set()), (self.desk, DESK), (self.planner, PLANNER),
                (manager, PLANNER), (administrator, PLANNER | {"menu_training_settings"})):
            with self.subTest(user=user.login):
                self.assertEqual(self.screens(user), expected)

    def test_it_is_an_app_and_odoo_s_events_are_left_alone(self):
        root = self.env.ref("session_booking.menu_trainings")
        self.assertFalse(root.parent_id)
        self.assertTrue(root.web_icon)
        events = self.env.ref("event.event_main_menu")
        ours = self.env["ir.model.data"].search([
            ("module", "=", "session_booking"), ("model", "=", "ir.ui.menu")])
        inside = self.env["ir.ui.menu"].search([("id", "child_of", events.id)])
        self.assertFalse(inside.filtered(lambda menu: menu.id in ours.mapped("res_id")))
