"""Files that merchants give Stripe (https://docs.stripe.com/file-upload)."""

from .errors import invalid
from .routes import route

LARGEST = 5_000_000  # of evidence: https://docs.stripe.com/disputes/best-practices


@route("POST", "/v1/files", "file_create")
def create(account, params):
    """Keep an uploaded file."""
    file = params["file"]
    if not isinstance(file, dict):
        raise invalid("Invalid file: must be a file upload.", None, "file")
    if file["size"] > LARGEST:
        raise invalid("File size exceeds the limit.", None, "file")
    return account.new(
        "file", purpose=params["purpose"], filename=file["filename"], size=file["size"],
        title=None, type=file["filename"].rpartition(".")[2], expires_at=None)


@route("GET", "/v1/files/{id}", "file_retrieve")
def retrieve(account, params, id):
    """Return what is known of a file."""
    return account.get("file", id)
