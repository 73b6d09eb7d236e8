"""What an incident's reports need, in one file: to the authority within 24 and 72 hours, and within a month."""
