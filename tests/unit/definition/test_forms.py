"""Forms: what is a JSON Schema that can be used, and what does not fit one."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from procession.definition.forms import LARGEST, MOST, FormError, read_form, valid
from procession.engine.codec import decode


def form(text: str):
    return valid(read_form("order.json", text.encode()))


def wrong(schema: str, data: str) -> list[tuple[str, str]]:
    return form(schema).check(decode(data))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE}", "is not JSON"),
        ('{"a": NaN}', "is not JSON"),
        ('{"a": 1e99999999999999999999}', "nobody can count with"),
        ("[]", "is not a JSON object"),
        ("true", "is not a JSON object"),
        ('{"type": "text"}', '/type must be one of "array"'),
        ('{"minLength": "3"}', "/minLength must be an integer"),
        ('{"required": "name"}', "/required must be a list"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', "another draft"),
        ('{"$schema": 7}', "another draft"),
        ('{"$ref": "https://example.com/address.json"}', "leads nowhere"),
        ('{"properties": {"a": {"$ref": "file:///etc/passwd"}}}', "leads nowhere"),
        ('{"properties": {"a": {"$ref": "address.json"}}}', "leads nowhere"),
        ('{"$dynamicRef": "https://example.com/x#y"}', "leads nowhere"),
        ('{"$ref": "#/$defs/no"}', "leads nowhere"),
        ('{"properties": {"a": {"pattern": "(?=x)"}}}', "/properties/a/pattern must be a regular expression"),
        ('{"properties": {"a": {"pattern": "(a)\\\\1"}}}', "matched in linear time"),
        ('{"patternProperties": {"(?!x)y": {}}}', "matched in linear time"),
        ('{"properties": {"a": {"pattern": "["}}}', "matched in linear time"),
        ('{"properties": {"a": ' * 5000 + "{}" + "}}" * 5000, "nested too deeply"),
        ('{"properties": {"a": ' * 400 + "{}" + "}}" * 400, "Recursion limit"),
    ],
)
def test_what_is_no_form(text, message):
    with pytest.raises(FormError, match=message.replace("$", r"\$")) as refused:
        form(text)
    assert refused.value.hint


def test_a_form_may_not_be_too_large():
    with pytest.raises(FormError, match="1,000,000 bytes that are allowed"):
        read_form("x", b" " * LARGEST + b"{}")


def test_a_form_may_be_of_any_shape_that_the_draft_has():
    for text in (
        "{}", '{"$schema": "https://json-schema.org/draft/2020-12/schema#"}', '{"x-ui": "textarea", "sensitive": true}',
        '{"$ref": "#"}', '{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}',
        '{"$ref": "https://json-schema.org/draft/2020-12/schema"}', '{"properties": {"a": {"format": "iban"}}}',
    ):  # fmt: skip
        assert form(text).check({"a": 1}) == []


@pytest.mark.parametrize(
    ("schema", "data", "found"),
    [
        ('{"required": ["a/b", "c"]}', "{}", [("/a~1b", "is missing"), ("/c", "is missing")]),
        ('{"properties": {"a": {"required": ["b"]}}}', '{"a": {}}', [("/a/b", "is missing")]),
        ('{"properties": {"a": {"type": "string"}}}', '{"a": 77}', [("/a", "must be a string")]),
        ('{"properties": {"a": {"type": ["number", "null"]}}}', '{"a": "77"}', [("/a", "must be null or a number")]),
        ('{"properties": {"a": {"const": true}}}', '{"a": false}', [("/a", "must be true")]),
        ('{"properties": {"a": {"enum": ["x", 1.50, null]}}}', '{"a": "77"}', [("/a", 'must be one of "x", 1.5, null')]),
        ('{"properties": {"a": {"minLength": 1}}}', '{"a": ""}', [("/a", "must have 1 character at least")]),
        ('{"properties": {"a": {"maxLength": 2}}}', '{"a": "äöü"}', [("/a", "must have 2 characters at most")]),
        ('{"properties": {"a": {"minItems": 2}}}', '{"a": []}', [("/a", "must have 2 items at least")]),
        ('{"properties": {"a": {"maxItems": 1}}}', '{"a": [1, 2]}', [("/a", "must have 1 item at most")]),
        ('{"properties": {"a": {"uniqueItems": true}}}', '{"a": [1, 1.0]}', [("/a", "must not have the same item twice")]),
        ('{"properties": {"a": {"items": {"type": "integer"}}}}', '{"a": [1, "7"]}', [("/a/1", "must be an integer")]),
        ('{"properties": {"a": {"pattern": "^[0-9]+$"}}}', '{"a": "x77"}', [("/a", "must match ^[0-9]+$")]),
        ('{"properties": {"a": {"format": "date"}}}', '{"a": "77.1."}', [("/a", "must be a date such as 2030-01-31")]),
        ('{"properties": {"a": {"format": "email"}}}', '{"a": "77"}', [("/a", "must be an e-mail address")]),
        ('{"properties": {"b": {}}, "additionalProperties": false}', '{"a": 77}', [("/a", "is not expected here")]),
        ('{"unevaluatedProperties": false}', '{"a": 77}', [("/a", "is not expected here")]),
        ('{"dependentRequired": {"a": ["b"]}}', '{"a": 77}', [("/b", "is missing")]),
        ('{"propertyNames": {"maxLength": 1}}', '{"abc": 77}', [("", "has a field with a name that is not allowed")]),
        ('{"properties": {"a": false}}', '{"a": 77}', [("/a", "is not allowed")]),
        ('{"properties": {"a": {"not": {"type": "number"}}}}', '{"a": 77}', [("/a", "is not allowed")]),
        ('{"properties": {"a": {"contains": {"const": 1}}}}', '{"a": [77]}', [("/a", "lacks an item that must be there")]),
        ('{"properties": {"a": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]}}}', '{"a": "77"}',
         [("/a", "must have 3 characters at least")]),
        ('{"properties": {"a": {"anyOf": [{"minimum": 100}, {"maximum": 50}]}}}', '{"a": 77}',
         [("/a", "fits none of the alternatives, or too many")]),
        ('{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}', '{"a": 77, "b": 77}',
         [("", "fits none of the alternatives, or too many")]),
        ('{"if": {"required": ["a"]}, "then": {"required": ["b"]}}', '{"a": 77}', [("/b", "is missing")]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_without_its_value(schema, data, found):
    assert wrong(schema, data) == found
    assert all("77" not in message for _, message in found)


@pytest.mark.parametrize(
    ("schema", "fits", "does_not"),
    [
        ('{"multipleOf": 0.01}', "4.35", "4.355"),
        ('{"multipleOf": 0.1}', "0.3", "0.35"),
        ('{"multipleOf": 0.01}', "1000000000000000000000000000000.01", "0.001"),
        ('{"exclusiveMinimum": 0}', "0.0000000000000000000000000000000001", "0.0"),
        ('{"exclusiveMinimum": 0}', "1e-400", "-0"),
        ('{"maximum": 0.1}', "0.10", "0.1000000000000000000000000000000001"),
        ('{"maximum": 9007199254740992}', "9007199254740992.0", "9007199254740993"),
        ('{"maximum": 1e40}', "1e40", "10000000000000000000000000000000000000001"),
        ('{"type": "integer"}', "1.0", "1.5"),
        ('{"type": "integer"}', "1e3", "1e-3"),
        ('{"type": "integer"}', "123456789012345678901234567890", "true"),
        ('{"const": 1}', "1.00", "1.01"),
        ('{"enum": [1.10]}', "1.1", "1.11"),
        ('{"type": "number"}', "1e999999", '"1"'),
    ],
)
def test_numbers_are_what_they_say(schema, fits, does_not):
    text = f'{{"properties": {{"a": {schema}}}}}'
    assert wrong(text, f'{{"a": {fits}}}') == []
    assert len(wrong(text, f'{{"a": {does_not}}}')) == 1


def test_there_is_an_end_to_what_is_told():
    schema = '{"properties": {"a": {"items": {"type": "string"}}}}'
    assert len(form(schema).check({"a": list(range(1000))})) == MOST


def test_the_names_that_a_form_speaks_of():
    found = form(
        """{"properties": {"a": {"properties": {"inner": {}}}}, "required": ["b"], "allOf": [{"properties": {"c": {}}}],
            "if": {"properties": {"d": {}}}, "then": {"required": ["e"]}, "$ref": "#/$defs/more",
            "dependentRequired": {"g": ["h"]}, "dependentSchemas": {"g": {"properties": {"i": {}}}}, "anyOf": [{"$ref": "#"}],
            "$defs": {"more": {"properties": {"f": {}}}, "other": {"properties": {"unused": {}}}}}"""
    )
    assert sorted(found.names) == list("abcdefghi")


def test_threads_share_a_form():
    found = read_form("order.json", b'{"properties": {"a": {"type": "string"}}}')
    told: list[list[tuple[str, str]]] = []
    threads = [threading.Thread(target=lambda: told.append(found.check({"a": 1}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [[("/a", "must be a string")]] * 8


def test_the_library_is_there_when_it_is_needed_and_not_before():
    code = """
import sys, procession
from procession.definition.forms import read_form
engine = procession.Engine()
form = read_form("x", b'{"required": ["a"]}')
assert "jsonschema_rs" not in sys.modules
assert form.check({}) == [("/a", "is missing")]
assert "jsonschema_rs" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
