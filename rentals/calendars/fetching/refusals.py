"""Why a channel refuses to give a calendar, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rentals.phrases import phrase

#: Signs of bot protection in an answer's headers: header, how its value begins in lower case ("" any), who it is.
#: Those of the second group are also in answers that are given, so they count only beside a refusal.
_CHALLENGES = (
    ("cf-mitigated", "challenge", "Cloudflare"),
    ("x-amzn-waf-action", "", "AWS WAF"),
    ("x-vercel-mitigated", "", "Vercel"),
)
_GUARDS = (
    ("x-datadome", "", "DataDome"),
    ("x-dd-b", "", "DataDome"),
    ("x-iinfo", "", "Imperva"),
    ("x-cdn", "imperva", "Imperva"),
    ("x-cdn", "incapsula", "Imperva"),
    ("x-sucuri-block", "", "Sucuri"),
    ("server", "akamaighost", "Akamai"),
    ("server", "cloudflare", "Cloudflare"),
    ("server", "ddos-guard", "DDoS-Guard"),
    ("server", "sucuri", "Sucuri"),
)


def refusal(status: int, headers: Mapping[str, str]) -> str:
    """What to tell the operator about an answer that refuses us, "" for any other. `headers`: names in lower case.

    At most 300 characters.
    """
    guard = _found(_CHALLENGES, headers) or (_found(_GUARDS, headers) if status == 403 else "")
    if guard:
        return phrase(
            "The channel lets only browsers in: its guard {guard} refused Turnkey as a program ({status}). Ask the "
            "channel for a link for programs, or enter a User-Agent that it accepts under “Introduces itself as” on "
            "the calendar's page. Until then upload the calendar. All stays are kept.",
            guard=guard,
            status=status,
        )
    if status == 401:
        return phrase(
            "The channel asks for a password (401). Copy its export link once more. If it gave you a user and a "
            "password, write them into the link: https://user:password@ and the rest. All stays are kept."
        )
    if status == 403:
        return phrase(
            "The channel refuses Turnkey (403). Open the link in a private browser window. If the calendar comes, it "
            "refuses programs that it does not know: enter a User-Agent that it accepts under “Introduces itself as” "
            "on the calendar's page. If not, copy a new export link. All stays are kept."
        )
    return ""


def _found(signs: tuple[tuple[str, str, str], ...], headers: Mapping[str, str]) -> str:
    for header, begins, who in signs:
        if header in headers and headers[header].strip().lower().startswith(begins):
            return who
    return ""
