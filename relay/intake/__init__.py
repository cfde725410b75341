"""Records of Kafka's topics start instances: read in sets, and taken in one call a set."""
