"""Quotas of Odoo subscriptions for ASGI applications: count, refuse, give back."""

from .answers import Answer, Entitlement, Entitlements, Item
from .caller import Caller
from .client import QuotaClient
from .errors import Misconfigured, Mistake, QuotaError, Refused, Unavailable
from .gate import Gate, current_gate
from .guard import Guard
from .metrics import Metrics, PrometheusMetrics
from .middleware import QuotaMiddleware
from .problem import Problem
from .requirement import feature, quota
from .rules import Rule

__all__ = [
    "Answer", "Caller", "Entitlement", "Entitlements", "Gate", "Guard", "Item", "Metrics",
    "Misconfigured", "Mistake", "Problem", "PrometheusMetrics", "QuotaClient", "QuotaError",
    "QuotaMiddleware", "Refused", "Rule", "Unavailable", "current_gate", "feature", "quota",
]
