"""The header ``Stripe-Signature`` (https://docs.stripe.com/webhooks#verify-manually)."""

import hashlib
import hmac
import time


def signature(body, secrets, at=None):
    """Sign the time and the body: one ``v1`` for each secret.

    :param str body: exactly as sent
    :param list secrets: the endpoint's; two while one is being replaced
    :param int at: another time than now, for a request that is too old
    """
    at = int(time.time()) if at is None else at
    digests = [
        hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])
