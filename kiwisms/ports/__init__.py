"""The ports: Protocols that adapters implement, and the value classes in their methods."""
