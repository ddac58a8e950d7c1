"""The catalogs of translations: what is marked in the code and the templates, and what the catalogs say about it.

`make messages` runs this module. It needs Babel alone: GNU gettext is on few machines.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from babel.messages import pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent.parent
LOCALE: Final = ROOT / "config" / "locale"
OURS: Final = ("config", "pins", "rentals")
#: What guests read, in all languages of guests. Everything else is for people with an account.
OF_GUESTS: Final = ("pins/guests/words.py",)
#: Languages that have everything, and those that have what guests read.
WHOLE: Final = ("pl",)
PART: Final = ("de", "es", "fr")

#: By which calls a text is marked, and which of their arguments are texts (`c`: the context).
KEYWORDS: Final[dict[str, tuple[int | tuple[int, str], ...] | None]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "lazy", "mark", "phrase")),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "phrases"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
_WIDTH: Final = 110
_COMMENT: Final = re.compile(r"\{#.*?#\}")


def python_files(root: Path = ROOT) -> list[Path]:
    found = (path for folder in OURS for path in (root / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def templates(root: Path = ROOT) -> list[Path]:
    return sorted(path for folder in OURS for path in (root / folder).rglob("*") if _is_template(path))


def _is_template(path: Path) -> bool:
    return "templates" in path.parts and path.suffix in (".html", ".txt")


def marked_in_python(source: str) -> Iterator[Message]:
    """The marked texts. By the syntax: Babel's own reader overlooks calls within an f-string."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name in KEYWORDS:
            places = KEYWORDS[name] or (1,)
            given = [_text_of(one) for one in call.args]
            texts = tuple(given[place - 1] for place in places if isinstance(place, int) and place <= len(given))
            if texts and all(texts):
                context = given[0] if len(texts) < len(places) else None
                yield Message(texts if len(texts) > 1 else texts[0], context=context)


def _text_of(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def marked_in_template(source: str) -> Iterator[Message]:
    """The same. Django turns a template into something like Python; a line that begins with a space would be one too
    many for Python, and a comment would hide what stands behind it."""
    like_python = "\n".join(line.lstrip() for line in templatize(_COMMENT.sub("", source)).split("\n"))
    found = extract("python", io.BytesIO(like_python.encode()), keywords=KEYWORDS, options={"encoding": "utf-8"})
    for _line, text, _comments, context in found:
        yield Message(text, context=context)


def marked(root: Path = ROOT) -> Catalog:
    """Everything that is marked, in the order of the files."""
    found = _new()
    for path in python_files(root):
        _add(found, marked_in_python(path.read_text()))
    for path in templates(root):
        _add(found, marked_in_template(path.read_text()))
    return found


def marked_for_guests() -> Catalog:
    found = _new()
    for name in OF_GUESTS:
        _add(found, marked_in_python((ROOT / name).read_text()))
    return found


def _new() -> Catalog:
    return Catalog(project="Turnkey", charset="utf-8")


def _add(found: Catalog, messages: Iterable[Message]) -> None:
    """A text that one place knows with a plural and another without is one entry: the one with a plural."""
    for one in messages:
        there = found.get(one.id, one.context)
        if there is None or (one.pluralizable and not there.pluralizable):
            found[one.id] = Message(one.id, context=one.context)


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def catalog(language: str) -> Catalog:
    """As it is kept."""
    return read(path_of(language), language)


def template_of(language: str) -> Catalog:
    """What the catalog of this language must have."""
    return marked() if language in WHOLE else marked_for_guests()


def write(of: Catalog, path: Path) -> None:
    """The catalog, and beside it the compiled one."""
    written = io.BytesIO()
    pofile.write_po(written, of, no_location=True, width=_WIDTH)
    path.write_bytes(written.getvalue())
    path.with_suffix(".mo").write_bytes(compiled(of))


def compiled(of: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, of)
    return file.getvalue()


def missing(of: Catalog) -> list[str]:
    """Texts without a translation, or with one that a person should look at again."""
    return [str(one.id) for one in of if one.id and (one.fuzzy or not _is_whole(one))]


def forms(one: Message) -> list[str]:
    """What it is called in the language, by number where there is a plural."""
    return [one.string or ""] if one.string is None or isinstance(one.string, str) else list(one.string)


def _is_whole(one: Message) -> bool:
    return all(forms(one))


def main() -> int:
    wanting = 0
    for language in (*WHOLE, *PART):
        kept = catalog(language)
        template = template_of(language)
        template.creation_date = kept.creation_date  # or each run would change the file
        kept.update(template, no_fuzzy_matching=True)
        kept.obsolete.clear()
        write(kept, path_of(language))
        for text in missing(kept):
            print(f"{language}: not translated: {text}")
            wanting += 1
    return 1 if wanting else 0


if __name__ == "__main__":
    sys.exit(main())
