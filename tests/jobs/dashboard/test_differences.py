"""What differs between specs."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.dashboard.colours import colour
from jobs.dashboard.differences import flatten, line_diff, settings_of

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
CONFIG = st.dictionaries(TEXT, JSON, max_size=5)


def test_named_things_are_matched_by_name_not_by_place() -> None:
    one = {"volumes": [{"name": "data", "path": "/d"}, {"name": "out", "path": "/o"}]}
    other = {"volumes": [{"name": "out", "path": "/elsewhere"}, {"name": "data", "path": "/d"}]}
    assert [(s.path, s.values) for s in settings_of([one, other]) if s.differs] == [
        ("volumes.out.path", ["/o", "/elsewhere"])
    ]


def test_a_setting_that_one_job_lacks_differs() -> None:
    setting, equal = settings_of([{"a": 1, "b": 2}, {"b": 2}])
    assert setting.values == ["1", None]
    assert setting.differs
    assert not equal.differs


def test_a_changed_line_of_a_script_is_one_changed_line() -> None:
    script = 'import torch\nlr = 0.1\nprint("\\n")\n'
    one, other = ({"command": ["python", "-c", text]} for text in (script, script.replace("0.1", "0.3")))
    lines = line_diff(json.dumps(one, indent=2), json.dumps(other, indent=2))
    assert [(line.sign, line.text.strip()) for line in lines if line.sign in "+-"] == [
        ("-", "lr = 0.3\\n"),
        ("+", "lr = 0.1\\n"),
    ]


@given(config=CONFIG)
def test_a_spec_does_not_differ_from_itself(config: dict[str, Any]) -> None:
    assert not any(setting.differs for setting in settings_of([config, config]))
    text = json.dumps(config, indent=2)
    assert line_diff(text, text) == []


@given(one=CONFIG, other=CONFIG)
def test_specs_with_the_same_settings_are_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """What is not listed as different is not different: each setting of both is there, with its value."""
    settings = {setting.path: setting.values for setting in settings_of([one, other])}
    assert {path: values[0] for path, values in settings.items() if values[0] is not None} == dict(flatten(one))
    assert {path: values[1] for path, values in settings.items() if values[1] is not None} == dict(flatten(other))


@given(first=st.integers(1, 10**9), count=st.integers(2, 8))
def test_jobs_made_one_after_another_have_colours_far_apart(first: int, count: int) -> None:
    hues = [int(colour(number).rsplit(" ", 1)[1].rstrip(")")) for number in range(first, first + count)]
    gaps = [abs(one - other) for index, one in enumerate(hues) for other in hues[:index]]
    assert min(min(gap, 360 - gap) for gap in gaps) >= 30
