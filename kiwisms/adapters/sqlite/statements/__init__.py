"""The SQL statements, each complete and with a name."""
