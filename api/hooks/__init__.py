"""Webhooks: requests of other services that start instances."""
