"""Commands over the REST API, of a real server, with keys of its accounts."""
