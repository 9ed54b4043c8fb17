"""Properties are laws, not races: no deadline on a busy machine."""

from hypothesis import settings

settings.register_profile("engine", deadline=None, max_examples=40)
settings.load_profile("engine")
