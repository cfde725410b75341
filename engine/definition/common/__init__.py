"""What several parts of the compiler use: graphs, patterns, words that help."""
