"""Measurements of speed, as ratios: absolute numbers depend on the machine."""
