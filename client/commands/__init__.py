"""Commands over the REST API: `onceflow --api URL COMMAND …`, with a key and no database."""
