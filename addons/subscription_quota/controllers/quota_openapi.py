"""The OpenAPI 3.1 document of the quota API; a test holds the API to it."""

from ..problem import BASE, PROBLEMS

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULLABLE_INTEGER = {"type": ["integer", "null"], "description": "null: unlimited"}
NULLABLE_DAY = {"type": ["string", "null"], "format": "date"}
CODE = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "examples": ["scans"]}
QUANTITY = {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1}
REFERENCE = {
    "type": "string", "pattern": "^[!-~]{1,64}$", "examples": ["SUB00012"],
    "description": "The subscription's number. Service keys must name it; a customer's key needs "
                   "it when the customer has several."}
REQUEST_KEY = "^[!-~]([ -~]{0,253}[!-~])?$"  # HTTP takes spaces off both ends
ITEM = {
    "type": "object", "required": ["metric"], "additionalProperties": False,
    "properties": {"metric": CODE, "quantity": QUANTITY}}
IN_BODY = {**REFERENCE, "type": ["string", "null"]}
REQUESTS = [
    {"type": "object", "required": ["metric"], "additionalProperties": False,
     "properties": {"subscription": IN_BODY, **ITEM["properties"]}},
    {"type": "object", "required": ["items"], "additionalProperties": False,
     "properties": {"subscription": IN_BODY, "items": {
         "type": "array", "items": ITEM, "minItems": 1, "maxItems": 100}}}]
UNDO = {
    "type": "object", "required": ["undo"], "additionalProperties": False,
    "properties": {"subscription": IN_BODY, "undo": {
        "type": "string", "pattern": REQUEST_KEY,
        "description": "The Idempotency-Key of what was consumed"}}}
MOVE_ERRORS = ("malformed", "unauthenticated", "suspended", "forbidden", "not_found",
               "method_not_allowed", "too_large", "media_type", "invalid", "limit_reached",
               "rate_limited", "unavailable")
READ_ERRORS = ("malformed", "unauthenticated", "forbidden", "not_found", "method_not_allowed",
               "invalid", "rate_limited", "unavailable")


def document():
    """Build the OpenAPI document.

    :return: dict, to be served as JSON
    """
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": SCHEMA_DIALECT,
        "info": {
            "title": "Quota API", "version": "1.0.0",
            "description": "Consume, release and read what subscriptions may use. A key may ask "
                           "so many times a minute (a setting of the server, 30,000 by default), "
                           "counted over all processes of a machine; beyond it the answer is "
                           "429 rate_limited, with Retry-After until the minute is over."},
        "servers": [{"url": "/quota/v1"}],
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {
                "type": "http", "scheme": "bearer", "bearerFormat": "qk_…"}},
            "schemas": _schemas(),
        },
    }


def _paths():
    counted = (*MOVE_ERRORS, "in_progress")
    return {
        "/consume": {"post": _post(
            "consume", "Consume units, all or none",
            "Nothing passes a hard limit, however many ask at once.", "Answer", counted)},
        "/release": {"post": _post(
            "release", "Give held units back, all or none",
            "For metrics that are held; or, with “undo”, what was consumed of any metric, once, "
            "within 24 hours. Answered in whatever state the subscription is.",
            "Answer", [slug for slug in counted if slug not in ("suspended", "limit_reached")],
            request="Release")},
        "/check": {"post": _post(
            "check", "Would it be allowed?", "Consumes nothing; true for a feature that is on.",
            "CheckAnswer", [slug for slug in MOVE_ERRORS if slug != "limit_reached"], False)},
        "/entitlements": {"get": _get(
            "entitlements", "What the plan includes and what is left of it",
            [_parameter("subscription", REFERENCE)], "Entitlements",
            {"304": {"description": "Unchanged since the ETag sent in If-None-Match"}})},
        "/usage": {"get": _get(
            "usage", "What was used, a row a day and metric, the latest first", [
                _parameter("subscription", REFERENCE), _parameter("metric", CODE),
                _parameter("from", {"type": "string", "format": "date"}),
                _parameter("to", {"type": "string", "format": "date"}),
                _parameter("cursor", {"type": "string"}, "next_cursor of the page before")],
            "Usage")},
        "/openapi.json": {"get": {
            "operationId": "openapi", "summary": "This document", "security": [],
            "responses": {"200": {"description": "OpenAPI 3.1", "content": {
                "application/json": {"schema": {"type": "object"}}}},
                **_problems(["method_not_allowed"])}}},
    }


def _post(name, summary, description, answer, problems, counts=True, request="Request"):
    example = {"metric": "accounts" if request == "Release" else "scans", "quantity": 1}
    operation = {
        "operationId": name, "summary": summary, "description": description,
        "parameters": [_language()],
        "requestBody": {"required": True, "content": {"application/json": {
            "schema": {"$ref": f"#/components/schemas/{request}"}, "example": example}}},
        "responses": {"200": _content("Done" if counts else "The answer", answer),
                      **_problems(problems)},
    }
    if counts:
        operation["parameters"].append({
            "name": "Idempotency-Key", "in": "header", "required": False,
            "description": "Kept 24 hours: the same request under the same key is answered again "
                           "and counted once; another request is refused (422).",
            "schema": {"type": "string", "pattern": REQUEST_KEY}})
        operation["responses"]["200"]["headers"] = {"Idempotent-Replayed": {
            "description": "true when this was answered before", "schema": {"const": "true"}}}
    return operation


def _get(name, summary, parameters, answer, more=None):
    return {
        "operationId": name, "summary": summary, "parameters": [*parameters, _language()],
        "responses": {"200": _content("The answer", answer), **(more or {}),
                      **_problems(READ_ERRORS)}}


def _parameter(name, schema, description=""):
    return {"name": name, "in": "query", "required": False, "schema": schema,
            "description": description or schema.get("description", name)}


def _language():
    return {"name": "Accept-Language", "in": "header", "required": False,
            "description": "fr (default) or en: the language of names and problems",
            "schema": {"type": "string", "examples": ["fr", "en"]}}


def _content(description, schema, media="application/json"):
    return {"description": description, "content": {
        media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _problems(slugs):
    """Describe the refusals of a call, one answer a status; several problems may share a status."""
    answers = {}
    for slug in sorted(slugs, key=lambda slug: PROBLEMS[slug][0]):
        status, title = str(PROBLEMS[slug][0]), PROBLEMS[slug][1]._source
        answer = answers.setdefault(
            status, _content("", "Problem", "application/problem+json"))
        answer["description"] += f"{'; ' if answer['description'] else ''}{title} ({slug})"
        answer.setdefault("headers", {}).update(_headers(status))
    return answers


def _headers(status):
    if status == "401":
        return {"WWW-Authenticate": {"schema": {"const": "Bearer"}}}
    if status in ("409", "429", "503"):
        return {"Retry-After": {
            "description": "Seconds to wait; for a limit, until the reset. None for what is held.",
            "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return {"Allow": {"schema": {"type": "string"}}} if status == "405" else {}


def _schemas():
    return {
        "Request": {"oneOf": REQUESTS},
        "Release": {"oneOf": [*REQUESTS, UNDO]},
        "Item": _answer_item(),
        "CheckItem": _answer_item(allowed={"type": "boolean"}),
        "Entitlement": _answer_item(
            kind={"enum": ["period", "held", "feature"]}, unit={"type": "string"},
            name={"type": "string"}, enabled={"type": "boolean"}, grace_until=NULLABLE_DAY),
        "Answer": _answer({"const": True}, "Item"),
        "CheckAnswer": _answer({"type": "boolean"}, "CheckItem"),
        "Entitlements": _object(
            subscription={"type": "string"}, plan={"type": "string"},
            state={"enum": ["trial", "active", "past_due", "suspended", "paused", "ended"]},
            items=_list("Entitlement")),
        "Usage": _object(
            subscription={"type": "string"},
            items=_list("Day"), next_cursor={"type": ["string", "null"]},
            **{"from": {"type": "string", "format": "date"},
               "to": {"type": "string", "format": "date"}}),
        "Day": _object(
            day={"type": "string", "format": "date"}, metric=CODE,
            consumed={"type": "integer", "minimum": 0},
            released={"type": "integer", "minimum": 0}),
        "Problem": _problem(),
    }


def _answer(allowed, item):
    return _object(allowed=allowed, items=_list(item))


def _list(schema):
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def _object(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


def _answer_item(**more):
    return _object(
        metric=CODE, used={"type": "integer", "minimum": 0}, limit=NULLABLE_INTEGER,
        left=NULLABLE_INTEGER,
        resets_on={**NULLABLE_DAY, "description": "First day of the next period; null: never"},
        mode={"enum": ["hard", "soft", "warn"]}, overage={"type": "integer", "minimum": 0}, **more)


def _problem():
    always = _object(
        type={"enum": [BASE + slug for slug in PROBLEMS]}, title={"type": "string"},
        status={"type": "integer"}, detail={"type": "string"}, instance={"type": "string"})
    return {
        **always, "description": "RFC 9457. The members after “instance” are not always there.",
        "properties": {
            **always["properties"],
            "metric": {"type": "string"}, "used": {"type": "integer"},
            "limit": {"type": "integer"}, "resets_on": NULLABLE_DAY, "state": {"type": "string"},
            "pay_url": {"type": "string", "format": "uri"},
            "upgrade_url": {"type": "string", "format": "uri"}},
    }
