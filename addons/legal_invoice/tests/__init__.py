from . import test_checks, test_download, test_mentions, test_portal, test_vies
