"""What the gateway costs, beside a minimal proxy: ``make bench``, see README.md."""
