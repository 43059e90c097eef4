"""A service that sells scans by subscription: the smallest FastAPI application with quotas.

``QUOTA_URL`` and ``QUOTA_KEY`` lead to Odoo; ``QUOTA_FAIL_OPEN=1`` lets calls pass while it is
away. Who calls is told by the header ``X-Subscription``, which a real application replaces by
what its own sign-in knows.
"""

import os
import uuid
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from quota_middleware import (
    Item,
    PrometheusMetrics,
    QuotaClient,
    QuotaMiddleware,
    Rule,
    current_gate,
    feature,
    quota,
)

metrics = PrometheusMetrics()
client = QuotaClient(os.environ["QUOTA_URL"], os.environ["QUOTA_KEY"], metrics=metrics)
app = FastAPI(title="Scans")
accounts: dict[str, str] = {}


def subscription_of(request: Request) -> str | None:
    """Return the subscription that the request names."""
    return request.headers.get("x-subscription")


app.add_middleware(
    QuotaMiddleware, client=client, subscription_of=subscription_of,
    rules=[Rule("/accounts", consume={"accounts": 1}, methods=["POST"])],
    fail_open=os.environ.get("QUOTA_FAIL_OPEN") == "1")


@app.post("/scans")
async def scan(item: Annotated[Item | None, Depends(quota("scans"))]) -> dict[str, object]:
    """Scan once; the answer says how many scans are left."""
    return {"scan": uuid.uuid4().hex, "left": item.left if item else None}


@app.post("/scans/broken")
@quota("scans")
def broken() -> None:
    """Fail, as a scanner may: the caller is not charged for it."""
    raise HTTPException(503, "The scanner is broken")


@app.get("/report", dependencies=[Depends(feature("api_access"))])
async def report() -> dict[str, int]:
    """Answer callers whose plan has access to the API: costs nothing, and comes from the cache."""
    return {"accounts": len(accounts)}


@app.post("/accounts", status_code=201)
async def open_account(name: str) -> dict[str, str]:
    """Count one account until it is closed."""
    account = uuid.uuid4().hex
    accounts[account] = name
    return {"account": account}


@app.delete("/accounts/{account}", status_code=204)
async def close_account(account: str) -> None:
    """Close an account, and give its unit back."""
    if accounts.pop(account, None) is None:
        raise HTTPException(404)
    await current_gate().release("accounts")


@app.get("/metrics", response_class=PlainTextResponse)
async def counters() -> str:
    """Return the counters for Prometheus."""
    return metrics.text()
