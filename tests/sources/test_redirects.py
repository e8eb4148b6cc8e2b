"""Where a vendor sends us, and whether we go there."""

import pytest
import replay

from portfolio.errors import Refused
from sources.web import Site, Web


def test_a_redirect_within_the_vendor_is_followed(to):
    web = to(replay.redirect("/there?q=1"))
    web.server.play("/there?q=1", "good")
    assert web.get("/x", {"key": "k"}).content == b"good"
    assert [each.path for each in web.server.requests] == ["/x", "/there"]
    assert web.server.requests[1].query == {"q": "1"}  # what was asked at first is not carried on


ELSEWHERE = [
    "http://localhost:{port}/x",
    "http://127.0.0.1:22/x",
    "https://example.org/",
    "//10.0.0.1/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/x",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_redirect_elsewhere_is_refused_before_anything_is_asked_there(to, target):
    web = to("never read")
    web.server.play("/x", replay.redirect(target.format(port=web.server.server_port)))
    with pytest.raises(Refused, match="Vendor sends us elsewhere"):
        web.get("/x")
    assert len(web.server.requests) == 1


def test_a_redirect_to_no_address_is_refused(to):
    with pytest.raises(Refused, match="an address that is none"):
        to(replay.redirect("http://[::1/")).get("/x")


def test_a_redirect_to_another_house_of_the_vendor_is_followed(to):
    web = to("first", hosts=("localhost",))
    web.server.play("/x", replay.redirect(f"http://localhost:{web.server.server_port}/y"))
    web.server.play("/y", "good")
    assert web.get("/x").content == b"good"


def test_round_and_round_is_refused(to):
    web = to(replay.redirect("/x"))
    with pytest.raises(Refused, match="round in circles"):
        web.get("/x")
    assert len(web.server.requests) == 4


def test_whole_addresses_are_asked_only_of_the_vendor(to):
    web = to("good")
    assert web.get(f"{web.server.url}/x").content == b"good"
    with pytest.raises(Refused, match="elsewhere"):
        web.get("http://localhost/x")


def test_what_was_safe_stays_safe():
    with (
        Web(Site("Vendor", "https://vendor.example")) as web,
        pytest.raises(Refused, match=r"elsewhere, to http://vendor\.example"),
    ):
        web.get("http://vendor.example/x")
