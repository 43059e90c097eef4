"""Price of a number of days of a period. Exact decimals, no database."""

from decimal import ROUND_HALF_UP, Decimal


def as_decimal(amount):
    """Return the decimal a float was meant to be: 9.99, not 9.9900000000000002131…"""
    return Decimal(repr(float(amount)))


def round_money(amount, unit):
    """Round a decimal half up to a whole number of currency units (0.01, 1, 0.001)."""
    unit = as_decimal(unit)
    return (amount / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit


def price_until(price, start, end, day, unit):
    """Return the price of the days from `start` up to `day`, not included, of the period."""
    whole = (end - start).days
    if whole <= 0:
        raise ValueError(f"a period from {start} to {end} has no days")
    days = min(max((day - start).days, 0), whole)
    return round_money(as_decimal(price) * days / whole, unit)


def price_of(price, start, end, first, last, unit):
    """Return the price of the days from `first` up to `last`, not included, of the period.

    :param price: of the whole period, in units of the currency
    :param start, end: the whole period, whose real length in civil days divides the price
    :param unit: the currency's smallest step: 0.01, 1 (JPY), 0.001 (KWD)
    :return: Decimal
    """
    return (price_until(price, start, end, last, unit)
            - price_until(price, start, end, first, unit))
