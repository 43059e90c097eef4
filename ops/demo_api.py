"""``make demo-api``: the sample application of the middleware beside the demo."""

import os
import time

from . import database, paths, postgres, server, system
from .steps import StepError, run, step

PORT = 8080
EXAMPLES = paths.MIDDLEWARE / "examples"
KEY = paths.HOUSE / "demo-api-key"


def start(odoo_url):
    """Make a key, start the application, say what to try."""
    port = paths.remembered_port("api", PORT)
    system.add_test_packages()
    server.stop("api")
    with step("Service key of the sample application"):
        run([paths.PYTHON, paths.ROOT / "ops" / "demo_key.py", "-d", paths.DEMO,
             *database.odoo_options()], "demo-api", "Run `make update`, then this again",
            env={**postgres.environment(), "DEMO_KEY_FILE": str(KEY)})
    key, reference, subscription_id, left = KEY.read_text().split()
    KEY.unlink()
    with step("Sample application"):
        process = server.launch(
            "api", [str(paths.PYTHON), "-m", "uvicorn", "scan_api:app", "--host", "127.0.0.1",
                    "--port", str(port)],
            {"PYTHONPATH": os.pathsep.join([str(paths.MIDDLEWARE / "src"), str(EXAMPLES)]),
             "QUOTA_URL": odoo_url, "QUOTA_KEY": key})
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while not server.answers(f"{url}/metrics"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StepError("it does not answer", "Read .house/log/api.log")
            time.sleep(0.1)
    _say_what_to_try(url, odoo_url, reference, subscription_id, int(left))


def _say_what_to_try(url, odoo_url, reference, subscription_id, left):
    post = f"curl -X POST -H 'X-Subscription: {reference}'"
    print(f"""
The sample application: {url}/docs (clients/quota_middleware/examples/scan_api.py)

  1. Scan until the plan has no more ({left} left), and look at the answer to one scan more:
     for n in $(seq {left}); do {post} -s -o /dev/null {url}/scans; done
     {post} -i {url}/scans
  2. Upgrade: sign in as client@insaho.example (password: client), open
     {odoo_url}/my/subscriptions/{subscription_id}
     and change to the plan Pro. The next scan passes.
  3. A handler that fails costs nothing:
     {post} {url}/scans/broken
  4. What the middleware did:
     curl {url}/metrics

make stop ends it with the demo.
""")
