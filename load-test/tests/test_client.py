"""The HTTP client reads answers whole, in however many pieces they come."""

import pytest
from loadtest.client import Connection, ConnectionLostError, Target, parse_response
from loadtest.scrape import parse, total
from loadtest.stats import percentiles

ANSWER = b'HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\nX-A: b\r\n\r\n{"accepted":1}'
CHUNKED = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("whole", [ANSWER, CHUNKED])
def test_an_answer_is_complete_with_its_last_byte_only(whole: bytes) -> None:
    for cut in range(len(whole)):
        assert parse_response(whole[:cut]) is None
    assert parse_response(whole) is not None


def test_status_headers_and_body_are_read() -> None:
    response = parse_response(ANSWER)
    assert response is not None
    assert (response.status, response.body) == (202, b'{"accepted":1}')
    assert response.headers[b"x-a"] == b"b"


def test_chunks_are_joined() -> None:
    response = parse_response(CHUNKED)
    assert response is not None
    assert (response.status, response.body) == (503, b"hello world")


@pytest.mark.parametrize("answer", [b"SSH-2.0\r\n\r\n", b"x" * 2_000_000])
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"HTTP|large"):
        parse_response(answer)


@pytest.mark.parametrize("url", ["https://x", "ftp://x", "x:80"])
def test_only_plain_http_is_spoken(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        Target.parse(url, path="/", content_type="text/plain")


async def test_a_connection_that_was_closed_cannot_post() -> None:
    target = Target.parse("http://127.0.0.1", path="/x", content_type="text/plain")
    with pytest.raises(ConnectionLostError):
        await Connection().post(target, b"", key="k", timeout_s=1)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentiles([]) == (0, None, None, None, None)
    assert percentiles([5.0]) == (1, 5.0, 5.0, 5.0, 5.0)
    assert percentiles([float(n) for n in range(100, 0, -1)]) == (100, 50.0, 95.0, 99.0, 100.0)


def test_a_metric_is_summed_over_the_series_that_carry_the_labels() -> None:
    samples = parse(
        "# HELP a_total text\n"
        'a_total{channel="slack",status="success"} 3.0\n'
        'a_total{channel="email",status="success"} 2 1795000000000\n'
        'a_total{channel="email",status="failure"} 1\n'
        "b_total 4e2\nnonsense\nc_total what\n"
    )
    assert total(samples, "a_total") == 6
    assert total(samples, "a_total", status="success") == 5
    assert total(samples, "b_total") == 400
    assert total(samples, "missing") == 0
