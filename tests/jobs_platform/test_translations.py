"""Every sentence of the product is there in Chinese, and the compiled catalogue is the one in the text."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog, mofile, pofile
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.conf import settings
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize

ROOT = settings.BASE_DIR
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PACKAGES = ("accounts", "jobs", "jobs_platform")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return pofile.read_po(file, locale="zh_Hans", domain="django")


def python_sources() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            yield path, path.read_text(encoding="utf-8")


def template_sources() -> Iterator[tuple[Path, str]]:
    """As the Python that Django's own makemessages makes of a template."""
    for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "jobs").rglob("templates/**/*.html")]:
        python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        yield path, "\n".join(line.strip() for line in python.splitlines())


def singular(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


def test_every_sentence_of_the_code_is_in_the_catalogue(catalogue: Catalog) -> None:
    known = {singular(message.id) for message in catalogue}
    missing = [
        (str(path.relative_to(ROOT)), singular(text))
        for path, source in [*python_sources(), *template_sources()]
        for _line, text, _comments, _context in extract("python", io.BytesIO(source.encode()), KEYWORDS)
        if singular(text) not in known
    ]
    assert missing == []


def test_nothing_is_untranslated_or_fuzzy(catalogue: Catalog) -> None:
    assert len(catalogue) > 400
    assert [
        message.id for message in catalogue if message.id and (message.fuzzy or not all(message.string or ()))
    ] == []
    assert [message.id for message in catalogue if message.id and not message.string] == []


def test_placeholders_are_the_same(catalogue: Catalog) -> None:
    assert [(message.id, errors) for message, errors in catalogue.check()] == []


def test_the_compiled_catalogue_is_the_text(catalogue: Catalog) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = mofile.read_mo(file)
    assert texts_of(compiled) == texts_of(catalogue)


def texts_of(catalogue: Catalog) -> dict[str, str]:
    """Chinese has no plural: one text each."""
    return {singular(message.id): singular(message.string) for message in catalogue if message.id}


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("Training job created", "训练任务创建成功"), ("Job stopped", "任务已停止"), ("Job deleted", "任务已删除")],
)
def test_the_contracts_messages_are_the_contracts(english: str, chinese: str) -> None:
    with override("zh-hans"):
        assert gettext(english) == chinese
