"""Every word that people read is marked for translation (docs/languages.md)."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from tests.support import catalogs, unmarked
from tests.support.unmarked import Finding

#: Modules whose words stay English, and why.
ENGLISH: Final = {
    "*/management/*": "terminals",
    "pins/stack/*": "terminals",
    "rentals/backup/*": "terminals",
    "rentals/calendars/imports/summary.py": "the table of a command; pages have words of their own",
    "*/checks.py": "system checks are told in terminals",
    "config/environment.py": "settings are named when they cannot be read",
    "config/paths.py": "the same",
    "config/settings.py": "the same",
    "pins/simulator/*": "the simulator is for developers",
    "config/metrics.py": "answers to programs",
    "config/health.py": "the same",
    "config/web/heads.py": "the same, and the log",
    "config/web/receiving.py": "the same",
    "pins/measures/exposition.py": "the same",
    "pins/webhooks.py": "the same",
    "rentals/webhooks.py": "the same",
    "rentals/inbound/*": "the same",
    "config/schedule.py": "names in the scheduler's table",
    "config/people/passkeys.py": "why a passkey was refused is for the log",
    "config/people/provider/tokens.py": "why a token was refused is for the log",
    "config/people/provider/wire.py": "how a provider fails is for the log",
    "pins/tedee/*": "what is wrong with an answer of Tedee is for the log; pages have words of their own",
    "pins/reconcile/tokens.py": "the same",
    "rentals/calendars/classify/details.py": "words of calendars, in many languages",
    "rentals/calendars/classify/languages*.py": "the same",
    "rentals/calendars/classify/vocabulary.py": "the same",
    "rentals/calendars/ical/zones.py": "the same",
    "rentals/end_to_end.py": "the same",
    "rentals/published/*.py": "a calendar does not know who reads it",
    "rentals/fields.py": "faults of keys, in commands and in the log",
    "rentals/models/sentences.py": "what a kind of column is for developers",
}
_HISTORY: Final = "the history is stored in English"
_UNSEEN: Final = "no page shows these rows"
_KEYS: Final = "keys; what is shown of them is marked elsewhere"
_FILE: Final = "names of columns in a file"
#: In other modules functions, classes, constants, and single texts by their beginning; and why.
SINGLE: Final[dict[str, dict[str, str]]] = {
    "config/people/models.py": {"__str__": _UNSEEN},
    "config/people/provider/pages.py": {"nobody of ours": "the log", "The answer comes from another": "the log"},
    "config/people/provider/people.py": {"Groups by the provider": _HISTORY},
    "config/web/refusals.py": dict.fromkeys(("Request Timeout", "Too Many", "Service Unav"), "names of HTTP"),
    "pins/actions/forget.py": {"BUTTON": _HISTORY, "_number_of": _KEYS},
    "pins/actions/staff.py": {"BUTTONS": _HISTORY},
    "pins/actions/stays.py": {"_BUTTONS": _HISTORY},
    "pins/admin/booking_form.py": {"changes": _HISTORY},
    "pins/admin/setup/renting.py": {"Taken over in the first run": _HISTORY},
    "pins/admin/spare.py": {"Spare code given to the guest": _HISTORY},
    "pins/board/views.py": {"lock_try_again": _HISTORY, "lock_compare": _HISTORY},
    "pins/core/alias.py": {"SPARE": "a name on the lock", "STRAY": "the same"},
    "pins/desired/drift.py": {"_MARKS": _KEYS},
    "pins/guests/letters.py": {"Anna Example": "a name"},
    "pins/models/guest.py": dict.fromkeys(("NOTHING", "LINK", "READY"), _UNSEEN),
    "pins/models/notification.py": dict.fromkeys(("__str__", "NOTHING", "READY", "OFF"), _UNSEEN),
    "pins/models/pin.py": {"Pin": "no form shows these columns"},
    "pins/models/secret.py": {"__str__": _UNSEEN},
    "pins/models/tokens.py": {"REFUSED": _UNSEEN, "LOST": _UNSEEN},
    "pins/notify/incident_news.py": {"incident news": "a place in the database"},
    "pins/notify/services.py": {"Google Chat": "a name"},
    "pins/reconcile/inventory.py": {"SAME": _KEYS, "SKIPPED": _KEYS},
    "pins/retention/forgetting.py": dict.fromkeys(("calendar row", "guest page", "line of the history"), _KEYS),
    "pins/work/views.py": {"{}, own page": "who saw a code is stored in English"},
    "rentals/admin/feed_push.py": dict.fromkeys(("New push address", "New signing", "Previous secret"), _HISTORY),
    "rentals/admin/feed_views.py": {"Imported by hand": _HISTORY},
    "rentals/admin/import_export_pages.py": {"_log_actions": _HISTORY},
    "rentals/calendars/classify/verdicts.py": {"_CLOSED_NAMELESS": "words of calendars"},
    "rentals/calendars/fetching/fetch.py": {"USER_AGENT": "a name"},
    "rentals/calendars/fetching/refusals.py": {"_CHALLENGES": "words of other servers"},
    "rentals/models/booking.py": {"Can erase": "the name of a permission is a row"},
    "rentals/models/feed.py": {"Vrbo, HomeAway": "names"},
    "rentals/outbound/client.py": {"gzip, deflate": "a header"},
    "rentals/rotation.py": {"{} IS NOT NULL": "SQL"},
    "rentals/tables/exchange.py": dict.fromkeys(("PropertyTable", "LockTable", "time zone"), _FILE),
}


def findings(folder: str) -> list[str]:
    found = []
    looks: list[tuple[list[Path], Callable[[Path], list[Finding]]]] = [
        (catalogs.python_files(), _in_python),
        (catalogs.templates(), lambda path: unmarked.in_template(path.read_text())),
    ]
    for paths, look in looks:
        for path in paths:
            name = path.relative_to(catalogs.ROOT).as_posix()
            if name.startswith(f"{folder}/") and not any(fnmatch(name, one) for one in ENGLISH):
                single = tuple(SINGLE.get(name, ()))
                found += [f"{name}:{one}" for one in look(path) if not _is_excepted(one, single)]
    return found


def _is_excepted(one: Finding, single: tuple[str, ...]) -> bool:
    return one.within in single or one.text.startswith(single)


def _in_python(path: Path) -> list[Finding]:
    return unmarked.in_python(path.read_text(), is_model="models" in (path.parent.name, path.stem))


@pytest.mark.parametrize("folder", catalogs.OURS)
def test_every_word_is_marked(folder: str) -> None:
    found = findings(folder)
    assert not found, f"{len(found)} texts:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        'A = "Two words"',
        'def a():\n    return f"{b} words here"',
        'messages.error(request, "Two words")',
        'raise Refused("Two words")',
        'a(b, "Two words", c="<b>{}</b>")',
        '_("Two words {a}").format(a="two more")',
        'phrase("Two words {a}", a="two more")',
    ],
)
def test_words_in_python_are_found(source: str) -> None:
    (found,) = unmarked.in_python(f"def run():\n    {source}" if source.startswith("_") else source)
    assert found.why == "not marked"


@pytest.mark.parametrize(
    "source",
    [
        '"""Two words."""',
        'def a():\n    """Two words."""',
        'A = lazy("Two words")',
        'A = mark("Two words")',
        'def a():\n    return _("Two words")',
        'def a():\n    return ngettext("{number} word", "{number} words", n)',
        'logger.warning("two words", extra={"cause": "two words"})',
        'raise ValueError(f"two words {a}")',
        'A = re.compile("two words")',
        'A = "SELECT a FROM b WHERE two words"',
        'A = "tk-panel tk-alarm"',
        "A = \"<p class='two words'>{}</p>\"",
        'assert a, "two words"',
    ],
)
def test_what_is_for_machines_or_marked_is_not(source: str) -> None:
    assert unmarked.in_python(source) == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('def a():\n    return _(f"Two {words}")', "put together"),
        ('def a():\n    return _("Two {words}".format(words=b))', "put together"),
        ('def a():\n    return phrase("Two " + words)', "put together"),
        ('A = _("Two words")', "while the module is loaded"),
        ('class A:\n    b = ngettext("a", "b", 2)', "while the module is loaded"),
        ('def a(b=_("Two words")): ...', "while the module is loaded"),
        ('class A:\n    @display(description=_("Two words"))\n    def a(self): ...', "while the module is loaded"),
    ],
)
def test_a_text_that_is_marked_wrongly_is_found(source: str, why: str) -> None:
    (found,) = unmarked.in_python(source)
    assert why in found.why


@pytest.mark.parametrize(
    "source",
    [
        "<p>{% if a %}Word{% endif %}</p>",
        '<input type="submit" value="Word">',
        '<i title="{{ a }} word">',
        '<td data-label="Word">',
        '{% include "a.html" with text="Two words" %}',
        '{{ a|default:"two words" }}',
        "{{ a|pluralize }}",
        '{% blocktranslate with a=b|date:"j F Y" %}Since {{ a }}{% endblocktranslate %}',
        "{% block title %}Word{% endblock %}",
    ],
)
def test_words_in_templates_are_found(source: str) -> None:
    assert len(unmarked.in_template(source)) == 1


def test_what_a_template_translates_is_not_found() -> None:
    source = """{# Two words #}{% load i18n %}<p class="two words">{% translate "Two words" %}</p>
    {% blocktranslate count a=b %}Two words{% plural %}{{ a }} words{% endblocktranslate %}{{ a|date:"j E Y" }}
    {{ a|date:"F Y" }}
    <code translate="no">Word</code><script>word</script>{{ a|default:_("two words") }} Turnkey <b>•</b>
    <input type="hidden" value="word">{% block bodyclass %}two words{% endblock %}{% comment %}Word{% endcomment %}"""
    assert unmarked.in_template(source) == []
