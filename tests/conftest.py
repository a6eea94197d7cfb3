"""Settings that hold for every test."""

from hypothesis import settings

# A deadline would measure the machine, not the code.
settings.register_profile("kiwisms", deadline=None)
settings.load_profile("kiwisms")
