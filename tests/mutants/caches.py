"""What functions of the project remember between their calls, such as statements that are composed once."""

from __future__ import annotations

import functools
import gc

_OURS = ("pins.", "rentals.", "config.")


class Caches:
    """Those that are in memory now. Slow: make one, and use it often."""

    def __init__(self) -> None:
        gc.unfreeze()  # what is frozen is not shown
        # Not `isinstance`: it asks lazy objects for their class, which may fail.
        self._found = [
            one
            for one in gc.get_objects()
            if type(one) is functools._lru_cache_wrapper and str(getattr(one, "__module__", "")).startswith(_OURS)
        ]
        gc.freeze()

    def forget(self) -> None:
        for cache in self._found:
            cache.cache_clear()
