"""Finds words for people that nobody marked for translation: in Python by its syntax, in templates by their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from django.template.base import Lexer, Token, TokenType


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


MARKS: Final = _set(
    "_ gettext gettext_lazy lazy ngettext ngettext_lazy pgettext pgettext_lazy npgettext mark phrase phrases"
)
#: Of these the first argument is translated when it runs: a module that is being loaded has no language.
AT_ONCE: Final = _set("_ gettext ngettext pgettext npgettext")

#: Two words beside each other, as people write them.
_WORDS: Final = re.compile(r"(?<![\w.<=/\-])[^\W\d_]{2,}[,.:;!?…”]*\s+[“(]?[^\W\d_]{2,}(?![\w=/\-(])")
_TAG: Final = re.compile(r"<[^<>]*>")
_SQL: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|LOCK|SET|PRAGMA|BEGIN|SHOW|VACUUM)\b")

#: Calls whose texts no page shows: logs, patterns, SQL; who has a terminal reads the help of arguments.
_LOG_LEVELS: Final = _set("debug info warning error exception critical log")
_OF_PATTERNS: Final = _set("compile fullmatch match search sub split")
_FOR_MACHINES: Final = _OF_PATTERNS | _set(
    "execute RunSQL RawSQL add_argument ArgumentParser TypeVar NewType cast env strptime strftime"
)
_LOGGERS: Final = _set("log logger logging")
_PATTERNS: Final = _set("re regex")
#: Faults of a program: who meets one reads the log.
_FAULTS: Final = _set(
    "AssertionError AttributeError ImproperlyConfigured IndexError KeyError LookupError NotImplementedError OSError "
    "RuntimeError TypeError ValueError CommandError SettingsError"
)


@dataclass(frozen=True)
class Finding:
    line: int
    text: str
    why: str = "not marked"
    within: str = ""  # the function, class or constant

    def __str__(self) -> str:
        return f"{self.line}: {self.why}: {' '.join(self.text.split())[:90]}"


# -- Python ------------------------------------------------------------------------------------------------------------


def in_python(source: str, *, is_model: bool = False) -> list[Finding]:
    """Words that are in no marking call, and texts that are marked in a way that cannot work. `is_model`: the help of
    a column may be for those who read the code; the pseudo-language finds what a form shows."""
    found: list[Finding] = []
    tree = ast.parse(source)
    if is_model:
        for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
            call.keywords = [one for one in call.keywords if one.arg != "help_text" or not _text_of(one.value)]
    _walk(tree, found, "", is_running=False)
    return sorted(found, key=lambda one: one.line)


def _walk(node: ast.AST, found: list[Finding], within: str, *, is_running: bool) -> None:
    """`is_running`: within a function, whose body runs later than the module is loaded."""
    within = _name_of(node) or within
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for one in (*node.decorator_list, node.args):
            _walk(one, found, within, is_running=is_running)
        for statement in node.body:
            _walk(statement, found, within, is_running=True)
        return
    if isinstance(node, ast.Lambda):
        _walk(node.body, found, within, is_running=True)
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Call) and _is_for_machines(node):
        return
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _last_name(node.exc.func) in _FAULTS:
        return
    if isinstance(node, ast.Assert):
        return
    if isinstance(node, ast.Call) and (name := _last_name(node.func)) in MARKS:
        found += _wrongly_marked(node, name, is_running=is_running)
        for one in (*node.args[_texts_of(name) :], *node.keywords):
            _walk(one, found, within, is_running=is_running)
        return
    text = _text_of(node)
    if text is not None:
        if _WORDS.search(_TAG.sub(" ", text)) and not _SQL.match(text):
            found.append(Finding(node.lineno, text, within=within))  # type: ignore[attr-defined]
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    _walk(part.value, found, within, is_running=is_running)
        return
    for child in ast.iter_child_nodes(node):
        _walk(child, found, within, is_running=is_running)


def _name_of(node: ast.AST) -> str:
    """What the exceptions call this part of a module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    target = (
        node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
    return target.id if isinstance(target, ast.Name) and target.id.isupper() else ""


def _text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return None


def _last_name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_for_machines(call: ast.Call) -> bool:
    name = _last_name(call.func)
    if not isinstance(call.func, ast.Attribute):
        return name in _FOR_MACHINES
    of = _last_name(call.func.value)
    if name in _LOG_LEVELS:
        return of in _LOGGERS  # `messages.error` is for people
    return name in _FOR_MACHINES and (of in _PATTERNS or name not in _OF_PATTERNS)


def _texts_of(name: str) -> int:
    """How many of its arguments a marking call takes as texts."""
    return 2 if name.startswith(("n", "p")) and name != "phrase" else 1


def _wrongly_marked(call: ast.Call, name: str, *, is_running: bool) -> Iterator[Finding]:
    for one in call.args[: _texts_of(name)]:
        if isinstance(one, ast.JoinedStr | ast.BinOp) or (
            isinstance(one, ast.Call) and _last_name(one.func) == "format"
        ):
            yield Finding(call.lineno, ast.unparse(one), "no catalog can know a text that is put together first")
    if name in AT_ONCE and not is_running:
        yield Finding(call.lineno, ast.unparse(call), "translated while the module is loaded")


# -- templates ---------------------------------------------------------------------------------------------------------

#: Names, which are the same in all languages.
_NAMES: Final = frozenset({"Turnkey", "Tedee"})
_ATTRIBUTES: Final = frozenset({"aria-label", "title", "placeholder", "alt", "aria-description", "data-label"})
_BUTTONS: Final = frozenset({"submit", "button", "reset"})
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_BARE_MONTH: Final = re.compile(r"""\|date:["'][^"']*[jd][^"']*F""")
_LITERAL: Final = re.compile(r"""(?<!_\()("[^"]*"|'[^']*')""")


def in_template(source: str) -> list[Finding]:
    """Text, and attributes that are read or heard, outside the tags that translate."""
    text, found = _without_tags(source)
    parser = _Visible()
    parser.feed(text)
    parser.close()
    return sorted([*found, *parser.found], key=lambda one: one.line)


def _without_tags(source: str) -> tuple[str, list[Finding]]:
    """The template with spaces and its lines in place of tags and what they translate; and words within tags."""
    kept, found, until = [], list[Finding](), ""
    for token in Lexer(source).tokenize():
        name = token.contents.partition(" ")[0] if token.token_type is TokenType.BLOCK else ""
        if until or token.token_type is not TokenType.TEXT:
            kept.append(" " + "\n" * _lines_of(token, source))
        else:
            kept.append(token.contents)
        if until:
            until = "" if name == until else until
            continue
        if token.token_type in (TokenType.BLOCK, TokenType.VAR):
            found += _in_tag(token, name)
        if name in ("blocktranslate", "blocktrans", "comment", "verbatim"):
            until = f"end{name}"
        elif token.contents.startswith("block ") and token.contents.endswith("class"):
            until = "endblock"
    return "".join(kept), found


def _in_tag(token: Token, name: str) -> Iterator[Finding]:
    line, text = token.lineno or 0, token.contents
    if name not in ("translate", "trans", "comment"):
        yield from (Finding(line, one) for one in _LITERAL.findall(text) if _WORDS.search(one))
    if _BARE_MONTH.search(text):
        yield Finding(line, text, "a month that stands alone; beside a day it is E")
    if "|pluralize" in text:
        yield Finding(line, text, "a plural as English makes it")


def _lines_of(token: Token, source: str) -> int:
    start, end = token.position or (0, 0)
    return source.count("\n", start, end) if token.position else token.contents.count("\n")


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Finding] = []
        self._hidden: list[str] = []  # tags whose text is for no person, or the same in all languages

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style") or given.get("translate") == "no" or (self._hidden and tag == self._hidden[-1]):
            self._hidden.append(tag)
        for name, value in attrs:
            is_button = name == "value" and tag == "input" and given.get("type") in _BUTTONS
            if name in _ATTRIBUTES or is_button:
                self._look(value or "", f"not marked ({name})")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag == self._hidden[-1]:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._look(data, "not marked")

    def _look(self, text: str, why: str) -> None:
        if set(_WORD.findall(text)) - _NAMES:
            self.found.append(Finding(self.getpos()[0] + text[: len(text) - len(text.lstrip())].count("\n"), text, why))
