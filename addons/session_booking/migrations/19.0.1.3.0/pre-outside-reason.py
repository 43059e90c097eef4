def migrate(cr, version):
    """State a reason on seats paid outside without one: a reason is required from now on."""
    if not version:
        return
    cr.execute(
        "UPDATE event_registration SET outside_reason = '?' "
        "WHERE paid_outside AND COALESCE(outside_reason, '') !~ '\\S'")
