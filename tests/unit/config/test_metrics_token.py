"""METRICS_TOKEN: a token that is easy to guess, or cannot be sent in a header, is refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import environment as env


@pytest.mark.parametrize("value", ["short", "fifteen-letters", "with a space in between", "zażółć-gęślą-jaźń-tak"])
def test_a_bad_token_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("METRICS_TOKEN", value)
    with pytest.raises(env.SettingsError, match="Make one") as refused:
        env.token("METRICS_TOKEN")
    assert value not in str(refused.value)


def test_a_good_one_may_come_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert env.token("METRICS_TOKEN") == ""
    (tmp_path / "token").write_text("sixteen-letters!\n")
    monkeypatch.setenv("METRICS_TOKEN_FILE", str(tmp_path / "token"))
    assert env.token("METRICS_TOKEN") == "sixteen-letters!"
