"""What is counted, and how Prometheus gets to see it."""
