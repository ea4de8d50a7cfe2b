"""What was used: by key, account, model and hour, and what the last day was like."""
