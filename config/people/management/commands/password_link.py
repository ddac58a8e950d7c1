"""`manage.py password_link`: a way in for somebody who is locked out, from the machine itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from config.people import bound, links, second_step


class Command(BaseCommand):
    help = "Prints a one-time link with which a person chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--drop-second-step", action="store_true", help="phone, spare codes and passkeys are lost")

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError("No active person has this user name. Known ones are in the admin, under Users.")
        if options["drop_second_step"] and second_step.drop_all(user.pk):
            self.stdout.write("The second step is off, and passkeys are removed.")
        if bound.is_bound(user.pk) and bound.allow_here(user, allowed=True):
            self.stdout.write(f"From now on a password lets this person in as well as {settings.OIDC_NAME}.")
        if not settings.PUBLIC_URL:
            self.stdout.write("PUBLIC_URL is not set: put the address of this site before the link.")
        self.stdout.write(links.link(user))
