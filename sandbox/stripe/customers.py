"""Customers (https://docs.stripe.com/api/customers)."""

from . import payment_methods
from .errors import invalid
from .objects import kept, merged_metadata, page
from .routes import route

FIELDS = (
    "address", "balance", "description", "email", "invoice_prefix", "invoice_settings", "name",
    "next_invoice_sequence", "phone", "preferred_locales", "shipping", "tax_exempt")


@route("POST", "/v1/customers", "customer_create")
def create(account, params):
    """Create a customer."""
    customer = account.new("customer", **kept(params, *FIELDS))
    customer["metadata"] = merged_metadata(customer, params.get("metadata"))
    account.emit("customer.created", customer)
    if params.get("payment_method"):
        method = payment_methods.find(account, params["payment_method"], "payment_method")
        payment_methods.attach_to(account, method, customer)
    return customer


@route("GET", "/v1/customers", "customer_list")
def index(account, params):
    """List customers."""
    return page(account.all("customer", email=params.get("email")), params, "/v1/customers")


@route("GET", "/v1/customers/{id}", "customer_retrieve")
def retrieve(account, params, id):
    """Return a customer, also one that was deleted."""
    found = account.objects.get(id, {})
    return found if found.get("deleted") else account.get("customer", id)


@route("POST", "/v1/customers/{id}", "customer_update")
def update(account, params, id):
    """Change a customer."""
    customer = account.get("customer", id)
    values = kept(params, *FIELDS)
    default = (values.get("invoice_settings") or {}).get("default_payment_method")
    if default and account.get("payment_method", default)["customer"] != id:
        raise invalid(
            f"The customer does not have a payment method with the ID {default}. The payment "
            "method must be attached to the customer.", "resource_missing",
            "invoice_settings[default_payment_method]")
    if "invoice_settings" in values:
        values["invoice_settings"] = {
            **customer["invoice_settings"], **(values["invoice_settings"] or {})}
    if "metadata" in params:
        values["metadata"] = merged_metadata(customer, params["metadata"])
    return account.change(customer, "customer.updated", **values)


@route("DELETE", "/v1/customers/{id}", "customer_delete")
def delete(account, params, id):
    """Delete a customer, and detach their payment methods."""
    customer = account.get("customer", id)
    for method in account.all("payment_method", customer=id):
        payment_methods.detach_from(account, method)
    account.emit("customer.deleted", customer)
    account.put({"id": id, "object": "customer", "deleted": True})
    return account.objects[id]


@route("GET", "/v1/customers/{id}/payment_methods", "customer_payment_method_list")
def methods(account, params, id):
    """List a customer's payment methods."""
    account.get("customer", id)
    found = account.all("payment_method", customer=id, type=params.get("type"))
    return page(found, params, f"/v1/customers/{id}/payment_methods")


@route("GET", "/v1/customers/{id}/payment_methods/{method}", "customer_payment_method_retrieve")
def method(account, params, id, method):
    """Return one of a customer's payment methods."""
    found = account.get("payment_method", method)
    if found["customer"] != id:
        raise invalid(
            f"The customer {id} does not have a payment method {method}.", "resource_missing",
            status=404)
    return found
