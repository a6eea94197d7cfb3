"""
What the SQL stores share: rows made of values and read into them, and most of what is asked.

Rows have the same columns on every database, in the same order; only a moment is kept differently.
"""
