"""Tests of the foundation: settings, migrations, embedded servers, processes, command line."""
