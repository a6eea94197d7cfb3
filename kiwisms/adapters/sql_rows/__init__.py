"""
The parts that the SQL stores share: encoding and decoding of rows, and most of the reads.

Rows have the same columns in the same order on every database; only moments are stored differently.
"""
