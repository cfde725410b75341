"""The Python side of the SQL core: settings, pools, calls, migrations, embedded servers, CLI."""
