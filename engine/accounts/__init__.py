"""Accounts: the roles there are, keys of programs, and passwords of people."""
