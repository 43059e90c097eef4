"""Functions that split an amount over others, to the smallest unit of a currency.

Amounts are whole numbers of that unit (cents, for a euro), so that no share loses or gains one.
"""


def spread(amount, weights):
    """Split an amount in proportion to weights; the shares add up to it.

    The running total is rounded rather than each share, so no share exceeds its weight as long as
    the amount does not exceed the sum of the weights.

    :param int amount: in the smallest unit, zero or more
    :param list weights: whole numbers, zero or more, not all zero
    :return: list of int, a share for each weight
    """
    total, running, given, shares = sum(weights), 0, 0, []
    for weight in weights:
        running += weight
        due = (2 * amount * running + total) // (2 * total)
        shares.append(due - given)
        given = due
    return shares


def take_off(amounts, keys, amount):
    """Lower some amounts by an amount, in proportion to what is left of each.

    :param dict amounts: whole numbers by key, zero or more; changed in place
    :param keys: which of them to lower; keys missing in `amounts` are ignored
    :param int amount: the total to take off, zero or more
    :return: dict of the amount taken by key; less than `amount` in total when less was left
    """
    keys = [key for key in keys if amounts.get(key)]
    taken = min(amount, sum(amounts[key] for key in keys))
    if not taken:
        return {}
    shares = dict(zip(keys, spread(taken, [amounts[key] for key in keys]), strict=True))
    for key, share in shares.items():
        amounts[key] -= share
    return shares
