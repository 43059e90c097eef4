from . import test_booking_documents, test_thirty_sales
