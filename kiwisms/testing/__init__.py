"""Stand-ins for your own tests: time, ids and an upstream that a test controls."""
