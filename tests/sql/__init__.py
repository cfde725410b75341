"""Tests of the SQL core on a real Postgres."""
