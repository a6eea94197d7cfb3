"""What the core asks of the outside: Protocols, and the value classes they speak in."""
