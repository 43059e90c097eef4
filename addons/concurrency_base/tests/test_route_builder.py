import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from odoo.tests import BaseCase, tagged

from odoo.addons.base.models.ir_http import LazyCompiledBuilder

VISITORS = 8


@tagged("post_install", "-at_install")
class TestAddressBuilder(BaseCase):

    def test_the_first_visitors_of_a_page_come_at_once(self):
        """Each gets an answer, and the address is compiled once."""
        compiled, start = [], Barrier(VISITORS)

        def compile_builder(append_unknown):
            compiled.append(append_unknown)
            time.sleep(0.05)
            return lambda rule, **values: f"{rule}/{values['number']}"

        builder = LazyCompiledBuilder("/trainings", compile_builder, True)

        def visit(number):
            start.wait(timeout=10)
            return builder(number=number)

        with ThreadPoolExecutor(VISITORS) as visitors:
            addresses = list(visitors.map(visit, range(VISITORS)))
        self.assertEqual(addresses, [f"/trainings/{number}" for number in range(VISITORS)])
        self.assertEqual(compiled, [True])
