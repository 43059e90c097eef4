"""Say what is being done, how long it took, and what to do when it fails."""

import contextlib
import os
import subprocess
import sys
import time

from . import paths


class StepError(Exception):
    """A step that failed, and the remedy to print for whoever runs it."""

    def __init__(self, message, remedy):
        super().__init__(message)
        self.remedy = remedy


@contextlib.contextmanager
def step(title):
    """Print a line for the step; a failure says which step, why, and what to do."""
    print(f"… {title}", flush=True)
    started = time.monotonic()
    try:
        yield
    except StepError as error:
        print(f"✗ {title}: {error}\n  → {error.remedy}\n"
              "  Run the same command again afterwards: it resumes here.",
              file=sys.stderr, flush=True)
        raise SystemExit(1) from error
    print(f"✓ {title} ({time.monotonic() - started:.0f} s)", flush=True)


def run(command, log, remedy, env=None, cwd=None):
    """Run a command with its output in ``.house/log/<log>.log``.

    :raise StepError: with the log's last lines, when the command fails.
    """
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    file = paths.LOGS / f"{log}.log"
    with file.open("ab") as output:
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        done = subprocess.run(
            list(map(str, command)), stdout=output, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, cwd=cwd or paths.ROOT)
    if done.returncode:
        tail = file.read_text(errors="replace").splitlines()[-15:]
        raise StepError(
            f"`{' '.join(map(str, command[:4]))} …` ended with code {done.returncode}:\n    "
            + "\n    ".join(tail),
            f"{remedy} (whole log: {file.relative_to(paths.ROOT)})")


def output_of(command, env=None):
    """Return the standard output of a short command, stripped; empty when it fails."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env={**os.environ, **(env or {})})
    return done.stdout.strip() if done.returncode == 0 else ""
