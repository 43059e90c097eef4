from . import (
    test_again,
    test_async_emails,
    test_mail_template,
    test_queue,
    test_route_builder,
    test_strangers,
)
