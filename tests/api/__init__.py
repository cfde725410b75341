"""Tests of the REST API and the web pages, on a real Postgres."""
