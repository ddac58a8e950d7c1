"""Rule 7: texts are cleaned and capped."""

from __future__ import annotations

from tests.support.calendar_texts import read, vcalendar, vevent


def test_rule_07_control_and_bidi_characters_are_removed() -> None:
    lines = [
        "SUMMARY:Re\u202eser\x07ved\u2066 - \u200fAn\\nna\u2028x",
        "DESCRIPTION:a\x1b\\nb\u202a\\, c",
        "URL:ht\u202etps://x",
    ]
    (event,) = read(vcalendar(vevent(*lines))).events
    assert (event.summary, event.description, event.url) == ("Reserved - An na x", "a\nb, c", "https://x")


def test_rule_07_lengths_are_capped_and_a_long_uid_is_keyed_by_its_hash() -> None:
    long = "x" * 300
    lines = [f"SUMMARY:{long}", "DESCRIPTION:" + "y" * 5000, "URL:https://x/" + "z" * 600]
    first, second = read(vcalendar(vevent(*lines, uid=f"{long}1"), vevent(uid=f"{long}2"))).events
    assert (len(first.summary), len(first.description), len(first.url)) == (255, 4000, 500)
    assert first.uid.startswith("sha256:")
    assert len(first.uid) == 71
    assert first.uid != second.uid


def test_rule_07_markup_stays_text() -> None:
    (event,) = read(vcalendar(vevent("SUMMARY:<script>alert(1)</script>"))).events
    assert event.summary == "<script>alert(1)</script>"


def test_personal_data_is_not_in_the_repr_of_events() -> None:
    (event,) = read(
        vcalendar(vevent("SUMMARY:Reserved", "DESCRIPTION:Phone: 123456789", "URL:https://secret.test"))
    ).events
    assert "123456789" not in repr(event)
    assert "secret" not in repr(event)
