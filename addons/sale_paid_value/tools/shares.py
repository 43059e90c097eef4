"""Splitting an amount over others, to the smallest unit of a currency.

Amounts are whole numbers of that unit (cents, for a euro), so that no share loses or gains one.
"""


def spread(amount, weights):
    """Split an amount in proportion to weights; the shares add up to it.

    The running total is rounded rather than each share. So no share is larger than its weight
    as long as the amount is not larger than all weights together.

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
    :param keys: which of them to lower; those missing in `amounts` are passed over
    :param int amount: by how much in all, zero or more
    :return: dict of what was taken by key; less than `amount` in all when less was left
    """
    keys = [key for key in keys if amounts.get(key)]
    taken = min(amount, sum(amounts[key] for key in keys))
    if not taken:
        return {}
    shares = dict(zip(keys, spread(taken, [amounts[key] for key in keys]), strict=True))
    for key, share in shares.items():
        amounts[key] -= share
    return shares
