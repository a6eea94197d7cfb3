"""What users need for their own tests: time, ids and an upstream that obey."""
