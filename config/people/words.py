"""Sentences about waiting."""

from __future__ import annotations


def wait_for(seconds: int) -> str:
    """“Wait 20 seconds, then try again.”"""
    if seconds > 90:
        return f"Wait {-(-seconds // 60)} minutes, then try again."
    return f"Wait {seconds} second{'' if seconds == 1 else 's'}, then try again."
