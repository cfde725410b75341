"""Lists by filters that no index serves: so many rows are looked at, and the list says so."""
