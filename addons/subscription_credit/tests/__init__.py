from . import (
    test_books,
    test_engine_fields,
    test_grant,
    test_portal,
    test_sequences,
    test_take_back,
)
