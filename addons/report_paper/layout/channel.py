"""Messages between Odoo and the processes that lay out its documents.

A message is a JSON object, and some bytes: nothing that is run when it is read. Odoo sends a job,
then answers questions (a style sheet, an image) until the PDF or an error comes.
"""

import json
from multiprocessing.connection import Connection


class Channel:
    """One end of the line.

    :param int descriptor: of a connected socket
    """

    def __init__(self, descriptor):
        self._connection = Connection(descriptor)

    def send(self, message, content=b""):
        """Send a message with its content."""
        self._connection.send_bytes(json.dumps(message).encode())
        self._connection.send_bytes(content)

    def receive(self):
        """Wait for a message.

        :return: (message, content)
        :raise EOFError: the other end is gone
        """
        return json.loads(self._connection.recv_bytes()), self._connection.recv_bytes()

    def wait(self, seconds):
        """Tell whether a message comes within so many seconds."""
        return self._connection.poll(max(seconds, 0))

    def close(self):
        """Hang up."""
        self._connection.close()
