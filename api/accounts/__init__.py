"""Who calls the api: keys, logins, what each role may do."""
