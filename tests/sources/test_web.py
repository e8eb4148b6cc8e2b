"""The way out to the network over real HTTP: what a vendor may do wrong, and what becomes of it."""

import gzip
import logging
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
import replay

from portfolio.errors import Outage, Refused, Trouble, WrongUse
from sources.web import Site, Web

KEY = "s3cr3t/key+0"  # an address writes it as s3cr3t%2Fkey%2B0


def whole(web):
    """Pauses of more than the wait for a turn."""
    return [pause for pause in web.pauses if pause > 0.1]


def test_a_body_comes_whole_with_who_we_are_and_what_we_asked(to):
    web = to("a,b\n1,2\n")
    assert web.get("/x", {"s": "é &+"}).text() == "a,b\n1,2\n"
    asked = web.server.requests[0]
    assert (asked.query, asked.headers["User-Agent"], asked.headers["Accept-Encoding"]) == ({"s": "é &+"}, "trimtab", "gzip")


def test_a_packed_body_is_unpacked(to):
    assert to(replay.packed("hello" * 1000)).get("/x").text() == "hello" * 1000


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599, 999])
def test_a_busy_vendor_is_asked_again_until_it_answers(to, status):
    web = to(replay.again(status), replay.again(status), "good")
    assert web.get("/x").content == b"good"
    assert len(web.server.requests) == 3
    first, second = whole(web)
    assert 0.5 < first <= 1.5
    assert 1.5 < second <= 3


def test_a_vendor_that_stays_busy_is_an_outage_after_four_attempts(to):
    web = to(replay.again(503))
    with pytest.raises(Outage, match=r"Vendor answered 503 \(service unavailable\)") as caught:
        web.get("/x")
    assert caught.value.facts["status"] == 503
    assert len(web.server.requests) == 4
    assert len(whole(web)) == 3


def test_as_long_as_the_vendor_says_nobody_asks_it(to):
    web = to(replay.again(429, after=17), "good")
    assert web.get("/x").content == b"good"
    assert whole(web) == [pytest.approx(17, abs=2)]


def test_a_date_to_come_back_is_read_by_the_vendors_own_clock(to):
    head = {"Retry-After": "Tue, 01 Jan 2030 00:00:30 GMT", "Date": "Tue, 01 Jan 2030 00:00:00 GMT"}
    web = to(replay.Answer(b"", 503, head), "good")
    web.get("/x")
    assert whole(web) == [pytest.approx(30, abs=2)]


@pytest.mark.parametrize("said", ["soon", "-5", "²", "Tue, 99 Foo"])
def test_nonsense_in_retry_after_is_no_pause_of_its_own(to, said):
    web = to(replay.Answer(b"", 429, {"Retry-After": said.encode().decode("latin-1")}), "good")
    web.get("/x")
    assert whole(web) == [pytest.approx(1.0, abs=0.5)]


def test_a_wait_of_an_hour_is_given_up_at_once(to):
    web = to(replay.again(429, after=3600))
    with pytest.raises(Outage) as caught:
        web.get("/x")
    assert caught.value.facts["retry_after"] == 3600
    assert (len(web.server.requests), whole(web)) == (1, [])


@pytest.mark.parametrize(
    ("fault", "says"),
    {
        "half a body": (replay.half("x" * 1000), "half a body"),
        "a reset connection": (replay.RESET, "half a body or none"),
        "broken chunks": (replay.BROKEN_CHUNKS, "half a body"),
        "broken gzip": (replay.BROKEN_GZIP, "half a body"),
        "half a gzip": (replay.Answer(gzip.compress(b"x" * 9999)[:-9], headers={"Content-Encoding": "gzip"}), "half a body"),
    }.items(),
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_answer_that_breaks_off_is_an_outage_and_asked_again(to, fault, says):
    fault, says = says
    web = to(fault)
    with pytest.raises(Outage, match=says):
        web.get("/x")
    assert len(web.server.requests) == 4
    again = to(fault, "good")
    assert again.get("/x").content == b"good"


def test_silence_is_an_outage(to):
    started = time.monotonic()
    with pytest.raises(Outage, match="Vendor did not answer in time"):
        to(replay.SILENCE, patience=0.1, attempts=2).get("/x")
    assert time.monotonic() - started < 2


def test_a_drip_ends_at_the_deadline_however_patient_we_are(to):
    started = time.monotonic()
    with pytest.raises(Outage, match=r"longer than 0\.2 s for one answer"):
        to(replay.drip("x" * 4000, 0.01), deadline=0.2, patience=10.0, attempts=1).get("/x")
    assert time.monotonic() - started < 2


def test_nobody_at_the_address_is_an_outage():
    with Web(Site("Vendor", "http://127.0.0.1:9", pace=1e6, attempts=1)) as web, pytest.raises(Outage, match="cannot be reached"):
        web.get("/x")


@pytest.mark.parametrize("base", ["ftp://host", "host", "http://", "http://[::1", "file:///etc/passwd", ""])
def test_an_address_that_is_none_is_wrong_use(base):
    with pytest.raises(WrongUse, match="no http address"):
        Web(Site("Vendor", base))


@pytest.mark.parametrize(
    ("status", "says"), [(400, "asked for"), (401, "Check the key"), (403, "who you are"), (404, "symbol"), (501, "")]
)
def test_a_refusal_is_final_and_says_what_the_vendor_said(to, status, says):
    web = to(replay.Answer(b"<p>no \x1b[31mentry\xe2\x80\xae</p>", status))
    with pytest.raises(Refused, match=rf"Vendor refused with {status} .*no \[31mentry\. .*{says}"):
        web.get("/x")
    assert (len(web.server.requests), web.pauses) == (1, [])


def test_what_is_missing_is_none_for_who_asks_so(to):
    assert to(replay.page(404)).find("/x") is None
    assert to("there").find("/x").content == b"there"


def test_an_empty_success_is_no_body(to):
    with pytest.raises(Refused, match="204"):
        to(replay.Answer(b"", 204)).get("/x")


def test_an_endless_body_is_cut_at_the_cap(to):
    web = to(replay.ENDLESS, size_cap=1 << 20)
    with pytest.raises(Refused, match="Vendor sent more than 1 MB and the rest was not read"):
        web.get("/x")
    assert len(web.server.requests) == 1
    assert web.server.sent < 8 << 20  # what the sockets hold


def test_a_body_that_says_it_is_too_large_is_not_read_at_all(to):
    started = time.monotonic()
    with pytest.raises(Refused, match="more than 1 MB"):
        to(replay.drip(b"0" * (2 << 20), 1.0), size_cap=1 << 20).get("/x")
    assert time.monotonic() - started < 0.9


def test_a_bomb_stays_small(to):
    """300 MB of zeros out of 300 KB: no more than the cap of it comes into memory."""
    web = to(replay.bomb(300), size_cap=1 << 20)
    tracemalloc.start()
    with pytest.raises(Refused, match="more than 1 MB"):
        web.get("/x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_packing_nobody_asked_for_is_refused(to):
    with pytest.raises(Refused, match="packed its body as 'br'"):
        to(replay.Answer(b"x", headers={"Content-Encoding": "br"})).get("/x")


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


LEAKS = {
    "an echo of the key": replay.Answer(f"<p>{KEY} is wrong</p>".encode(), 401),
    "an echo as in an address": replay.Answer(b"s3cr3t%2Fkey%2B0 is wrong", 403),
    "a page that echoes it": replay.Answer(f"<html>{KEY}</html>".encode()),
    "silence": replay.SILENCE,
    "a reset": replay.RESET,
    "half a body": replay.half("x" * 100),
    "busy": replay.again(),
    "a redirect with it": replay.redirect("http://s3cr3t%2Fkey%2B0.example.org/?key=s3cr3t%2Fkey%2B0"),
    "a redirect to none": replay.redirect("http://[s3cr3t%2Fkey%2B0"),
    "no JSON": replay.Answer(f'{{"a": {KEY}}}'.encode()),
}


@pytest.mark.parametrize("answer", LEAKS.values(), ids=LEAKS)
def test_a_key_is_in_no_error_no_cause_and_no_log(to, answer, caplog):
    caplog.set_level(logging.DEBUG)
    web = to(answer, secrets=(KEY, ""), attempts=1, patience=0.1, headers={"X-Key": KEY})
    with pytest.raises(Trouble) as caught:
        web.get("/x", {"key": KEY}).json()
    assert web.server.requests[0].query == {"key": KEY}
    for error in chain(caught.value):
        assert not type(error).__module__.startswith("http"), "the client's errors hold the address that was asked"
        words = f"{error!r} {error} {getattr(error, 'facts', '')}"
        assert not any(form in words for form in ("s3cr3t", "%2Fkey", KEY)), words
    assert "s3cr3t" not in caplog.text
    assert "s3cr3t" not in repr(web.site)


def test_requests_are_spread_evenly_over_threads(replaying):
    server = replaying({"/x": "good"})

    def ask():
        with Web(Site("Vendor", server.url, pace=20.0)) as web:
            web.get("/x")
            web.get("/x")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    times = sorted(request.at for request in server.requests)
    assert len(times) == 8
    assert times[-1] - times[0] > 7 * 0.05 - 0.03  # eight turns, a twentieth of a second apart


def test_an_outage_of_one_thread_keeps_the_others_away(replaying):
    server = replaying({"/busy": [replay.again(429, after=9), "good"], "/x": "good"})
    pauses = []
    with Web(Site("Vendor", server.url, pace=1e6), sleep=pauses.append) as web:
        web.get("/busy")
        web.get("/x")  # nobody has slept here, so the vendor's nine seconds are not over
    assert [pause for pause in pauses if pause > 6.0] == pytest.approx([9, 9], abs=2)


def test_a_header_that_is_no_ascii_is_sent_all_the_same(to):
    web = to("good", headers={"User-Agent": "José\r\nX-Evil: 1"})
    web.get("/x")
    assert web.server.requests[0].headers["User-Agent"] == "Jos???X-Evil: 1"
    assert "X-Evil" not in web.server.requests[0].headers


def test_an_error_page_with_200_is_no_data(to):
    body = to(replay.page()).get("/x")
    for read in (body.json, body.text):
        with pytest.raises(Refused, match="Vendor sent an HTML page"):
            read()


def test_the_door_opens_late():
    rooms = "sources.web, sources.bodies, sources.turns, sources.symbols, sources.yahoo, sources.stooq"
    script = f"import sys, {rooms}; print(sorted(sys.modules.keys() & {{'httpx', 'polars'}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
