"""A house whose server has several workers, as in production, and loses them to SIGKILL."""

import contextlib

import psutil

from tests.house import House


class DoomedHouse(House):

    def _command(self, *arguments):
        return [*super()._command(*arguments), "--workers=3"]

    def kill(self, number):
        """Kill the server and its workers: nobody has the time to say goodbye."""
        server = psutil.Process(self.processes[number].pid)
        for process in [server, *server.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.processes[number].wait()

    def kill_worker(self, number, chance):
        """Kill one of the HTTP workers; the server replaces it."""
        workers = [
            process for process in psutil.Process(self.processes[number].pid).children()
            if "gevent" not in process.cmdline()]
        if workers:
            chance.choice(workers).kill()
