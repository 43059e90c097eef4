from . import test_documents, test_people, test_roles
