"""States and times as HTML, for the lists and forms of the admin."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from rentals.wording import Badge


def badge_html(badge: Badge) -> SafeString:
    """A state as sign and words on its colour."""
    return format_html(
        '<span class="tk-badge tk-{}"><span class="tk-sign" aria-hidden="true">{}</span> {}</span>',
        badge.tone.value,
        badge.tone.sign,
        badge.label,
    )


def moment_html(text: str) -> SafeString:
    """`Wed 3 Mar, 15:00 CET`. A line may break only between day and time."""
    day, _, at = text.partition(", ")
    return format_html('<span class="tk-flag tk-plain">{},</span> <span class="tk-flag tk-plain">{}</span>', day, at)
