"""Refusals in the shape of Stripe's errors (https://docs.stripe.com/api/errors)."""

DOCUMENTATION = "https://docs.stripe.com/error-codes/"


class ApiError(Exception):
    """An answer other than 200.

    :param int status: of HTTP
    :param str type: of error, by Stripe's name
    :param details: further fields of the error (code, param, decline_code, payment_intent...);
        those without a value are left out
    """

    def __init__(self, status, type, message, **details):
        super().__init__(message)
        self.status = status
        self.body = {"type": type, "message": message, **{
            name: value for name, value in details.items() if value is not None}}
        if details.get("code"):
            self.body["doc_url"] = DOCUMENTATION + details["code"].replace("_", "-")


def invalid(message, code=None, param=None, status=400, **details):
    """Return the error of a request that is wrong, or comes at the wrong moment."""
    return ApiError(
        status, "invalid_request_error", message, code=code, param=param, **details)


def missing(kind, object_id, param):
    """Return the error of an object that does not exist."""
    return invalid(
        f"No such {kind}: '{object_id}'", "resource_missing", param, status=404)


def unexpected_state(kind, obj, message):
    """Return the error of a request that the intent's status does not allow, with the intent."""
    return invalid(message, f"{kind}_unexpected_state", **{kind: obj})


def declined(decline, **details):
    """Return the error of a charge that the bank declined
    (https://docs.stripe.com/declines/codes).

    :param decline: the :class:`~sandbox.stripe.cards.Decline`
    """
    return ApiError(402, "card_error", decline.message, **decline.fields(), **details)
