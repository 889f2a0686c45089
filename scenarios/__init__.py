"""The same question in another market."""
