from hypothesis import given
from hypothesis import strategies as st

from jobs.identifiers import JOB_ID, new_job_id, parse_pod_name, pod_name

TIMES = st.integers(0, (1 << 44) - 1)


@given(TIMES)
def test_an_id_is_job_and_sixteen_characters_of_base32(ms):
    assert JOB_ID.fullmatch(new_job_id(ms))


@given(TIMES, TIMES)
def test_ids_sort_by_time(one, other):
    if one < other:
        assert new_job_id(one) < new_job_id(other)


@given(TIMES, st.integers(1, 999_999), st.integers(0, 999_999))
def test_a_pod_name_is_read_back_and_fits_a_dns_label(ms, attempt, replica):
    job_id = new_job_id(ms)
    name = pod_name(job_id, attempt, replica)
    assert len(name) <= 63
    assert parse_pod_name(name) == (job_id, attempt, replica)


@given(st.text())
def test_no_other_text_is_a_pod_name(text):
    parsed = parse_pod_name(text)
    assert parsed is None or pod_name(*parsed) == text
