"""Whom we ask: Google's endpoints, and one HTTP call to one of them."""
