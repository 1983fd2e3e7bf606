"""What all tests share: examples take as long as they take, on a busy machine too."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
