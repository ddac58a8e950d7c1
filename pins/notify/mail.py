"""E-mail, by Django."""

from __future__ import annotations

import smtplib
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from pins.notify.outgoing import NotSentError, Outgoing
from rentals.phrases import mark

MOST_ADDRESSES: Final = 10
_SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"


def clean(typed: str) -> str:
    """Addresses, one a line or separated by commas. Raises ValidationError, which does not repeat them."""
    addresses = [one.strip() for one in typed.replace(",", "\n").replace(";", "\n").splitlines() if one.strip()]
    if len(addresses) > MOST_ADDRESSES:
        most = _("At most {number} addresses fit into one channel. Make another channel.")
        raise ValidationError(most.format(number=MOST_ADDRESSES))
    for number, address in enumerate(addresses, start=1):
        try:
            validate_email(address)
        except ValidationError:
            wrong = _(
                "Address {number} of {all} is not an e-mail address. Write it like anna@example.com, several separated "
                "by commas."
            )
            raise ValidationError(wrong.format(number=number, all=len(addresses))) from None
    return "\n".join(dict.fromkeys(addresses))


def is_set_up() -> bool:
    """Whether a mail server is configured."""
    return settings.EMAIL_BACKEND != _SMTP or bool(settings.EMAIL_HOST)


def send(target: str, outgoing: Outgoing) -> None:
    """One try. Raises NotSentError, which never names an address."""
    if not is_set_up():
        raise NotSentError(mark("No mail server is set up. Give EMAIL_URL and EMAIL_FROM in the environment."))
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    letter = EmailMessage(
        outgoing.message.subject,
        outgoing.message.text,
        to=target.splitlines(),
        headers={
            # The same on every try: most mail programs show a repeated message once.
            "Message-ID": f"<{outgoing.uid.hex}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    try:
        letter.send()
        return
    except smtplib.SMTPAuthenticationError:
        failure = mark("The mail server does not take our user name and password.")
    except smtplib.SMTPRecipientsRefused:
        failure = mark("The mail server refuses the address. Check it.")
    except smtplib.SMTPSenderRefused:
        failure = mark("The mail server refuses our sender. Check EMAIL_FROM.")
    except smtplib.SMTPNotSupportedError:
        failure = mark(
            "The mail server does not support what Turnkey asks for. Check EMAIL_USE_TLS or the scheme of EMAIL_URL."
        )
    except smtplib.SMTPException:
        failure = mark("The mail server did not take the message.")
    except TimeoutError:
        failure = mark("The mail server does not answer in time.")
    except OSError:
        failure = mark("The mail server cannot be reached. Check EMAIL_URL.")
    # Raised here, so that the foreign error, which may name addresses, is not even attached as context.
    raise NotSentError(failure)
