"""Commands about definitions: from the first line of one to its versions in the database."""
