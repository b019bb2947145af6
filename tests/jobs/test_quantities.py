import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import quantities


@pytest.mark.parametrize(
    ("text", "millis"), [("2", 2000), ("500m", 500), ("0.5", 500), ("1.5", 1500), ("0.0001", 1), ("1m", 1)]
)
def test_cpu(text, millis):
    assert quantities.cpu_millis(text) == millis


@pytest.mark.parametrize(
    ("text", "amount"), [("1", 1), ("1k", 1000), ("1Ki", 1024), ("1.5Gi", 3 << 29), ("2G", 2 * 10**9), ("1Pi", 1 << 50)]
)
def test_memory(text, amount):
    assert quantities.memory_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "1 Gi", "Gi", "1g", "٣", "1Ei", "99999999999Pi", "NaN", "1\n"])
def test_it_refuses_what_is_no_amount(text):
    with pytest.raises(ValueError):
        quantities.memory_bytes(text)
    with pytest.raises(ValueError):
        quantities.cpu_millis(text)


@given(st.text(max_size=30))
def test_no_text_makes_anything_but_a_positive_number_or_a_value_error(text):
    for read in (quantities.cpu_millis, quantities.memory_bytes):
        try:
            assert read(text) > 0
        except ValueError:
            pass


@pytest.mark.parametrize(("amount", "shown"), [(512 << 20, "512 MiB"), (3 << 29, "1.5 GiB"), (100, "100 B")])
def test_memory_is_shown_in_binary_units(amount, shown):
    assert quantities.show_memory(amount) == shown


@pytest.mark.parametrize(("millis", "shown"), [(2000, "2"), (1500, "1.5"), (1, "0.001")])
def test_cpus_are_shown_as_numbers(millis, shown):
    assert quantities.show_cpu(millis) == shown
