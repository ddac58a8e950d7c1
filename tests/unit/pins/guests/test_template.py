"""Templates of hosts: a few variables and nothing else."""

from __future__ import annotations

import pytest

from pins.guests.template import VARIABLES, problems, render


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{{ link }}", ""),
        ("{{link}} {{ guest }}", ""),
        ("no link", "Put {{ link }}"),
        ("{{ link }} {{ guest.password }}", "is not known"),
        ("{{ link }} {{ guest|safe }}", "is not known"),
        ("{{ link }} {% include 'x' %}", "brace"),
        ("{{ link }} {{ guest", "brace"),
        ("{{ link }} {{ code }}", "Code in the message"),
    ],
)
def test_what_is_wrong_is_said(text: str, wrong: str) -> None:
    found = problems(text, needs_link=True, may_have_code=False)
    assert bool(found) is bool(wrong)
    assert wrong in " ".join(found)
    assert all("is not known" not in one or VARIABLES[0] in one for one in found)


def test_code_is_allowed_where_the_host_says_so() -> None:
    assert problems("{{ link }} {{ code }}", needs_link=True, may_have_code=True) == []


def test_a_line_without_its_variables_is_left_out() -> None:
    text = "Hello {{ guest }},\r\n\r\nWi-Fi: {{ wifi_name }} {{ wifi_password }}\n\n\nCode: {{ code }}\n{{ link }}"
    assert render(text, {"guest": "Anna", "link": "L"}) == "Hello Anna,\n\nL"
    assert "Wi-Fi: Home" in render(text, {"wifi_name": "Home"})


def test_values_are_no_templates() -> None:
    assert render("{{ guest }} {{ link }}", {"guest": "{{ code }}", "code": "123456", "link": "L"}) == "{{ code }} L"
