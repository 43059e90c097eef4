from . import test_booking_documents, test_services, test_thirty_sales
