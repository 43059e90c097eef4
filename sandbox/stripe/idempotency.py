"""Keys that make a request safe to repeat (https://docs.stripe.com/api/idempotent_requests).

The first answer to a key is kept, success or failure, once the endpoint began to work; a refused
parameter is not kept. The same key with other parameters, or for another endpoint, is an error, and
so is a second request while the first is being answered.
"""

import json

from .errors import ApiError

LONGEST_KEY = 255
IN_USE = object()


class Slot:
    """The place of one request's answer under its key.

    :param account: the key's owner: keys of another account are others
    :param call: the request
    """

    def __init__(self, account, call):
        self._replies = account.replies
        self._key = call.key if call.method == "POST" else None
        self._taken = False
        self._asked = json.dumps([call.method, call.path, call.params], sort_keys=True)

    def open(self):
        """Take the place.

        :return: the answer that was given before, or None
        :raise ApiError: 400 for another request's key, 409 while the first is under way
        """
        if self._key is None:
            return None
        if len(self._key) > LONGEST_KEY:
            raise ApiError(
                400, "invalid_request_error", "Idempotency keys are up to 255 characters long.")
        asked, reply = self._replies.get(self._key, (self._asked, None))
        if asked != self._asked:
            raise ApiError(
                400, "idempotency_error", "Keys for idempotent requests can only be used with the "
                "same parameters they were first used with. Try using a key other than "
                f"'{self._key}' if you meant to execute a different request.")
        if reply is IN_USE:
            raise ApiError(
                409, "idempotency_error", "There is currently another in-progress request using "
                f"this idempotency key: {self._key}. Please try again later.",
                code="idempotency_key_in_use")
        if reply is None:
            self._replies[self._key] = (asked, IN_USE)
            self._taken = True
        return reply

    def keep(self, reply):
        """Keep the answer, for whoever repeats the request."""
        if self._key is not None:
            self._replies[self._key] = (self._asked, reply)

    def close(self):
        """Free the key, if this request took it and nothing was kept."""
        if self._taken and self._replies[self._key][1] is IN_USE:
            del self._replies[self._key]
