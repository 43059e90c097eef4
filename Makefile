# The two commands: `make demo` and `make test`. The rest is for developers.
# ARGS goes to the test runner: make test ARGS="-k last_seat", make test ARGS="--addons /lms_link".
# Another Python than the system's: make demo PYTHON=python3.12
PYTHON ?= python3
.PHONY: demo demo-api test soak walk screenshots lint stop clean shell update i18n \
	bench-wallet bench-booking bench-billing bench-quota bench-pdf
demo demo-api stop clean shell update lint i18n:
	@$(PYTHON) -m ops $@
test:
	@$(PYTHON) -m ops test $(ARGS)
# Minutes of random operations under kill -9: too long for every run of the tests.
soak:
	@$(PYTHON) -m ops test -o addopts=-ra tests/soak
# Every menu, view and dialog of ours in Chromium, as each role of the staff: ten minutes.
walk:
	@$(PYTHON) -m ops test -o addopts=-ra tests/walk
# The pictures of the documents, from the demo's data, in French.
screenshots:
	@$(PYTHON) -m ops test -o addopts=-ra tests/screenshots
# Beside a peer: make bench-wallet; a first look in a minute or two: ARGS=--quick.
bench-wallet:
	@$(PYTHON) -m ops bench wallet $(ARGS)
bench-booking:
	@$(PYTHON) -m ops bench booking $(ARGS)
bench-billing:
	@$(PYTHON) -m ops bench billing $(ARGS)
bench-quota:
	@$(PYTHON) -m ops bench quota $(ARGS)
bench-pdf:
	@$(PYTHON) -m ops bench pdf $(ARGS)
