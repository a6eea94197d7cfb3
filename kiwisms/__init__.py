"""The engine behind an SMS one-time-code rental service."""
