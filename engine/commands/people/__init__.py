"""Commands about what people are asked."""
