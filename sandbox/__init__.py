"""The outside world on this machine, shared by demo and tests: payments, mail, the LMS.

Each server runs by hand, too; see ``README.md`` beside this file.
"""
