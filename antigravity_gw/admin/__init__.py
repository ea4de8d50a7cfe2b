"""The page for operators, and its API."""
