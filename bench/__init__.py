"""Measurements of speed, as ratios: absolute numbers would tell of the machine."""
