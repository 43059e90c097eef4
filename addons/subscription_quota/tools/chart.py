"""Coordinates of the bars of a small chart, for an SVG of fixed proportions."""

WIDTH, HEIGHT = 320, 96  # readable at the width of a phone
GAP = 8


def bars(values):
    """Place bars for pairs of (used, limit), oldest first; a limit of None has no line.

    All bars share one scale: the largest use or limit fills the height.

    :param list values: of (used, limit) in units
    :return: list of dicts ``x``, ``y``, ``width``, ``height``, and ``limit_y`` (None without)
    """
    if not values:
        return []
    most = max(max(used, limit or 0) for used, limit in values) or 1
    width = min((WIDTH - GAP * (len(values) - 1)) / len(values), 48)

    def level(units):
        return round(HEIGHT - HEIGHT * units / most, 1)

    return [{
        "x": round(number * (width + GAP), 1), "y": level(used), "width": round(width, 1),
        "height": round(HEIGHT - level(used), 1),
        "limit_y": None if limit is None else level(limit),
    } for number, (used, limit) in enumerate(values)]
