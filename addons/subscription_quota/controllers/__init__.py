from . import quota, quota_keys, quota_openapi, quota_portal
