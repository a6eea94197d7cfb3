"""
Rows of the SQL stores: values read from them and written into them.

They have the same columns on every database, in the same order; only a moment is kept differently.
"""
