import random

from odoo.tests import BaseCase, tagged

from ..tools import spread, take_off


@tagged("post_install", "-at_install")
class TestShares(BaseCase):
    """Splitting keeps the sum to the cent, and no line falls below zero."""

    def test_known_splits(self):
        for amount, weights, shares in (
                (50, [100], [50]), (10, [1, 1, 1], [3, 4, 3]), (0, [5, 5], [0, 0]),
                (2, [1, 0, 1], [1, 0, 1]), (100, [100, 100], [50, 50])):
            self.assertEqual(spread(amount, weights), shares)

    def test_random_splits(self):
        chance = random.Random(7)
        for _life in range(5000):
            weights = [chance.choice((0, 1, 3, chance.randrange(10**7)))
                       for _line in range(chance.randrange(1, 9))]
            if not sum(weights):
                continue
            amount = chance.randrange(sum(weights) + 1)
            shares = spread(amount, weights)
            self.assertEqual(sum(shares), amount)
            for share, weight in zip(shares, weights, strict=True):
                self.assertLessEqual(0, share)
                self.assertLessEqual(share, weight)

    def test_no_more_is_taken_than_is_there(self):
        amounts = {"a": 70, "b": 30, "c": 0}
        self.assertEqual(take_off(amounts, ["b", "c", "unknown"], 40), {"b": 30})
        self.assertEqual(amounts, {"a": 70, "b": 0, "c": 0})
        self.assertEqual(take_off(amounts, ["a", "b"], 70), {"a": 70})
        self.assertEqual(take_off(amounts, ["a", "b"], 5), {})
