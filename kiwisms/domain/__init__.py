"""The rules of the business: pure values and decisions, with no clock, chance or I/O."""
