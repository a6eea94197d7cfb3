"""The use cases: each loads what it needs, lets the domain decide, and saves the decision."""
