"""What the middleware itself tells callers, in the two languages of the API; French by default."""

WORDS = {
    "en": {
        "no_key": ("API key needed", "Send your key: “Authorization: Bearer qk_…”."),
        "no_subscription": ("No subscription", "This call belongs to no subscription."),
        "not_in_plan": ("Not in the plan", "“{metric}” is not part of the plan."),
        "limit_reached": (
            "Limit reached", "“{metric}”: {used} of {limit} are used, too few are left."),
        "away": ("Quota not known", "The quota cannot be counted at the moment. Try again."),
    },
    "fr": {
        "no_key": ("Clé d’API requise", "Envoyez votre clé : « Authorization: Bearer qk_… »."),
        "no_subscription": ("Pas d’abonnement", "Cet appel ne relève d’aucun abonnement."),
        "not_in_plan": ("Hors de l’offre", "« {metric} » ne fait pas partie de l’offre."),
        "limit_reached": (
            "Limite atteinte",
            "« {metric} » : {used} sur {limit} utilisés, il n’en reste pas assez."),
        "away": ("Quota inconnu",
                 "Le quota ne peut pas être décompté pour le moment. Réessayez."),
    },
}


def words(name: str, accepted: str | None, **values: object) -> tuple[str, str]:
    """Return the title and detail of a problem, in an accepted language.

    :param accepted: what the caller accepts, as in ``Accept-Language``
    """
    title, detail = WORDS[language_of(accepted)][name]
    return title, detail.format(**values)


def language_of(accepted: str | None) -> str:
    """Return ``fr`` or ``en``, whichever is preferred in an ``Accept-Language``."""
    best, weight = "fr", 0.0
    for choice in (accepted or "").lower().split(","):
        name, _semicolon, quality = choice.strip().partition(";q=")
        try:
            value = float(quality or 1)
        except ValueError:
            continue
        if name[:2] in WORDS and value > weight:
            best, weight = name[:2], value
    return best
