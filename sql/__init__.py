"""The SQL core, shipped as package data: migrations, functions and views."""
