"""Every statement, whole and named."""
