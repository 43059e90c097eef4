from . import (
    test_again,
    test_async_emails,
    test_company_day,
    test_language,
    test_mail_queue,
    test_mail_template,
    test_queue,
    test_route_builder,
    test_signature,
    test_strangers,
    test_withdrawn,
)
