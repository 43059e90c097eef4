# The two commands: `make demo` and `make test`. The rest is for developers.
# ARGS goes to the test runner: make test ARGS="-k last_seat", make test ARGS="--addons /lms_link".
.PHONY: demo demo-api test soak lint stop clean shell update i18n \
	bench-wallet bench-booking bench-billing bench-quota bench-pdf
demo demo-api stop clean shell update lint i18n:
	@python3 -m ops $@
test:
	@python3 -m ops test $(ARGS)
# Minutes of random operations under kill -9: too long for every run of the tests.
soak:
	@python3 -m ops test -o addopts=-ra tests/soak
# Beside a peer: make bench-wallet; a first look in a minute or two: ARGS=--quick.
bench-wallet:
	@python3 -m ops bench wallet $(ARGS)
bench-booking:
	@python3 -m ops bench booking $(ARGS)
bench-billing:
	@python3 -m ops bench billing $(ARGS)
bench-quota:
	@python3 -m ops bench quota $(ARGS)
bench-pdf:
	@python3 -m ops bench pdf $(ARGS)
