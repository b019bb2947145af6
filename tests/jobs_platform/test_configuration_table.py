"""The tables of variables in both READMEs say what the code reads: every variable, no other, with its default."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {"text", "flag", "integer", "decimal", "words", "choice"}
OUTSIDE_ENV = {"NO_COLOR"}  # read straight from the environment, as every program does
NUMBER = re.compile(r"[\d\s.*<]+")


def calls() -> Iterator[ast.Call]:
    for package in ("jobs_platform", "accounts", "jobs"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"env.{name}" for name in READERS}:
                    yield node


def read_by_the_code() -> dict[str, str]:
    """Name to default, as source."""
    variables: dict[str, str] = dict.fromkeys(OUTSIDE_ENV, "")
    for call in calls():
        assert isinstance(call.args[0], ast.Constant)
        default = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
        variables[str(call.args[0].value)] = default
    return variables


def documented(readme: str) -> dict[str, str]:
    """Name to what the second column says."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) ?\| ", (ROOT / readme).read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a variable is in the table twice"
    return dict(rows)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_table_has_every_variable_and_no_other(readme: str) -> None:
    assert set(documented(readme)) == set(read_by_the_code())


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_numbers_and_words_in_the_table_are_the_defaults_of_the_code(readme: str) -> None:
    table = documented(readme)
    compared = 0
    for name, source in read_by_the_code().items():
        if NUMBER.fullmatch(source):
            value = eval(source)  # such as 7 * 86400, from our own code
            assert table[name] == f"`{value:g}`" if isinstance(value, float) else table[name] == f"`{value}`", name
            compared += 1
        elif source in ("True", "False"):
            assert table[name] == f"`{int(source == 'True')}`", name
            compared += 1
        elif source.startswith("'") and name != "DATABASE_URL":
            assert table[name] == f"`{ast.literal_eval(source)}`", name
            compared += 1
    assert compared > 20
