"""What came back, as what it should be, or refused in one sentence."""

import gzip
import io
import zipfile

import pytest
import replay
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.errors import Refused
from sources.bodies import Body, Gunzip


def json_of(text):
    return Body("Vendor", text if isinstance(text, bytes) else text.encode()).json()


NO_JSON = {
    "100,000 deep": ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "deep objects": ('{"a":' * 100_000, "nested too deeply"),
    "NaN": ('{"a": NaN}', "NaN is no number"),
    "infinity": ("[-Infinity]", "-Infinity is no number"),
    "1e999": ("[1e999]", "1e999 is too large"),
    "a thousand digits": ("[" + "9" * 1000 + "]", "too large for a number"),
    "ten thousand digits": ("[" + "9" * 10_000 + "]", "too large for a number"),
    "a key twice": ('{"a": 1, "b": {"c": 1, "c": 2}}', "a key stands in it twice"),
    "half a document": ('{"a": [1, 2', "no whole JSON"),
    "two documents": ("{} {}", "no whole JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "half a character": ('{"a": "\\uD800"}', "no whole JSON"),
    "nothing": ("", "an empty body"),
    "blanks": (" \n ", "an empty body"),
    "a page": (replay.HTML, "an HTML page and no JSON: Oops We will be right back"),
    "a page after a comment": ("<!-- <p> -->\n<HTML><p>hi</p>", "an HTML page"),
    "a page that says it is XML": ('<?xml version="1.0"?>\n<!DOCTYPE html><html>', "an HTML page"),
    "a page after a mark": (b"\xef\xbb\xbf <html>", "an HTML page"),
}


@pytest.mark.parametrize(("text", "says"), NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused_in_one_sentence(text, says):
    with pytest.raises(Refused, match=says) as caught:
        json_of(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_json_is_json():
    text = '\ufeff{"a": [1, 2.5, null, true, "é \\ud83d\\ude00"]}'
    assert json_of(text) == {"a": [1, 2.5, None, True, "é 😀"]}


def test_a_feed_is_no_page():
    assert Body("V", b'<?xml version="1.0"?><rss><channel><title>html</title></channel></rss>').text().startswith("<?xml")


def archive(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def test_an_archive_gives_its_files_and_a_bomb_nothing():
    assert Body("V", archive(a=b"1", b=b"2")).members() == {"a": b"1", "b": b"2"}
    with pytest.raises(Refused, match="archive of more than 256 MB"):
        Body("V", archive(a=bytes(257 << 20))).members()
    flipped = bytearray(archive(a=bytes(range(256))))
    flipped[100] ^= 1
    for broken in (b"no archive", archive(a=b"1" * 999)[:-30], bytes(flipped)):
        with pytest.raises(Refused, match="V sent no whole ZIP archive"):
            Body("V", broken).members()


def test_a_packed_file_is_unpacked_and_half_of_one_refused():
    assert Body("V", gzip.compress(b"x")).unpacked().content == b"x"
    assert Body("V", b"plain").unpacked().content == b"plain"
    with pytest.raises(Refused, match="no whole gzip"):
        Body("V", gzip.compress(b"x" * 999)[:-9]).unpacked()
    with pytest.raises(Refused, match="more than 256 MB in a gzip"):
        Body("V", gzip.compress(bytes(257 << 20), 1)).unpacked()


@given(st.lists(st.binary(max_size=2000), max_size=5), st.integers(1, 200), st.integers(0, 12_000))
@settings(max_examples=50, deadline=None)
def test_gunzip_gives_what_was_packed_however_it_is_cut_and_no_more_than_there_is_room(parts, cut, room):
    packed, plain = b"".join(map(gzip.compress, parts)), b"".join(parts)
    gunzip, got = Gunzip(), b""
    for start in range(0, len(packed), cut):
        got += gunzip.feed(packed[start : start + cut], room - len(got))
        if len(got) > room:
            break
    assert plain.startswith(got)
    assert len(got) == min(len(plain), room + 1)
    if len(plain) <= room:
        assert gunzip.whole
