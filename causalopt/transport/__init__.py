"""How probability moves: transfer operators, escape, moments of the gradient, end states.

Each name is imported on first use; ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
