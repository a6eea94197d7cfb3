"""The one place where adapters are joined to the use cases."""
