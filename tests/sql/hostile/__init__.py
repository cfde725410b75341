"""Roles with nothing but what grant_access gives them, that mean harm."""
