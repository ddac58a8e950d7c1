"""Letters: sent to a real mail server, and what is said when there is none."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django import Settings

from pins.models import Delivery
from pins.notify.outgoing import Outgoing
from pins.notify.texts import Message
from pins.notify.tries import SendResult
from rentals.models import Lock
from tests.support.mail_server import MailServer
from tests.support.notifications import letters, open_for, tell, tried

pytestmark = pytest.mark.django_db


class TestMail:
    def test_a_letter_reaches_a_real_server(self, door: Lock, settings: Settings) -> None:
        letters(target="anna@example.com\nben@example.com")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with MailServer() as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            open_for(door)
            assert tell() == [SendResult.SENT]
        ((recipients, text),) = server.letters
        assert recipients == ["anna@example.com", "ben@example.com"]
        delivery = Delivery.objects.get()
        assert f"Message-ID: <{delivery.uid.hex}@" in text
        assert "Auto-Submitted: auto-generated" in text

    @pytest.mark.parametrize(
        ("refuses", "said"),
        [("RCPT", "refuses the address"), ("MAIL", "refuses our sender"), ("DATA", "did not take the message")],
    )
    def test_a_refusal_is_told_in_words_without_the_address(
        self, door: Lock, settings: Settings, refuses: str, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        channel = letters(target="h1dden@example.com")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with MailServer(refuses=refuses) as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            assert said in tried(channel)
        channel.refresh_from_db()
        # `mail.log` is the server's own.
        ours = [one.getMessage() for one in caplog.records if not one.name.startswith("mail.")]
        assert "h1dden" not in "\n".join([channel.last_error, *ours])

    def test_without_a_server_it_says_what_to_set(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
        assert "EMAIL_URL" in tried(letters())
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        assert "cannot be reached" in tried(letters())


def test_what_is_sent_shows_neither_body_nor_text_when_printed() -> None:
    shown = repr(Outgoing(uuid4(), Message("s3cret", "s3cret"), {"code": "s3cret"}))
    assert "s3cret" not in shown
