import pytest

from sereno.drivers.tango.address import parse_address


@pytest.mark.parametrize(
    "text",
    ["tango://127.0.0.1:45450/a/b/c#dbase=no", "tango://db.example.org:10000/sys/tg_test/1", "tango://db:10000/alias"],
)
def test_addresses_are_what_tango_writes(text):
    assert str(parse_address(text)) == text


def test_names_are_compared_without_case_and_spaces_around():
    assert parse_address(" tango://DB:10000/Sys/TG_test/1 ").device == "sys/tg_test/1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sys/tg_test/1", "expected tango://"),
        ("tango://host/a/b/c", "expected tango://"),
        ("tango://host:99999/a/b/c", "expected tango://"),
        ("tango://host:1/a/b", "expected tango://"),
        ("tango://host:1/a/b/c/d", "expected tango://"),
        ("tango://host:1/alias#dbase=no", "alias needs a Tango database"),
        (7, "expected tango://"),
    ],
)
def test_others_are_refused_with_what_is_expected(text, words):
    with pytest.raises(ValueError, match=words):
        parse_address(text)
