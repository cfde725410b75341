"""The functions of expressions: what each gives, takes and costs, on a real Postgres."""
