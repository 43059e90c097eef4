"""Everything between a bare Debian machine and a running, tested product.

Only the standard library is used here: these modules run before anything is installed.
"""
