"""The types that requests are read into and answers are written from; OpenAPI is made of them."""
