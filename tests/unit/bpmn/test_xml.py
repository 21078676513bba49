"""Bytes that are no process, bytes that are an attack, and bytes that must survive."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from procession.bpmn import Limits, lint, parse, read_bpmn, write_bpmn
from procession.errors import InvalidDefinition
from tests.unit.bpmn.build import definitions, extended, file, flow, path, same

SOUND = file(path('<bpmn:task id="x"/>'))
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l "lol">'
    + b"".join(b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1) if n else b"&l;") * 10) for n in range(10))
    + b"]><lolz>&l9;</lolz>"
)
DOCTYPE = "The file has a DOCTYPE, which is refused."


def refusal(data: bytes):
    with pytest.raises(InvalidDefinition) as caught:
        read_bpmn(data, "test.bpmn")
    (problem,) = caught.value.problems
    assert lint(data, "test.bpmn") == [problem]
    assert problem.file == "test.bpmn"
    return problem


@pytest.mark.parametrize(
    "data",
    [
        LAUGHS,
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        b'<!DOCTYPE x SYSTEM "http://example.test/evil.dtd"><x/>',
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://example.test/p">%p;]><x/>',
        b"\n<?pi <!--?><!-- <x> -->\n<!DOCTYPE x><x/>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
        "<!DOCTYPE x><x/>".encode("utf-16-le"),
        b"\xef\xbb\xbf<!DOCTYPE x><x/>",
    ],
    ids=["billion laughs", "XXE", "external DTD", "parameter entity", "prolog", "UTF-16", "UTF-16 without mark", "BOM"],
)
def test_any_doctype_is_refused(data):
    problem = refusal(data)
    assert (problem.message, problem.hint) == (DOCTYPE, "Remove the <!DOCTYPE …> declaration.")


def test_a_doctype_in_a_comment_or_a_text_is_none():
    body = path('<bpmn:task id="x"><bpmn:documentation><![CDATA[<!DOCTYPE html>]]></bpmn:documentation></bpmn:task>')
    assert read_bpmn(b"<!-- <!DOCTYPE x> -->" + file(body)).processes


def test_a_file_that_is_too_long_is_refused_before_it_is_parsed():
    began = time.perf_counter()
    problem = refusal(b" <" * 100_000_000)
    assert problem.message == "The file has 200,000,000 bytes; at most 5,242,880 are read."
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("data", [b"", b"  \n\t ", b"\n"])
def test_an_empty_file(data):
    assert refusal(data).message == "The file is empty."


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<a",
        b"<a></b>",
        b"\x00\x00",
        SOUND.replace(b"task", b"ta\x00sk"),
        b"PK\x03\x04",
        b"{}",
        b"<a>&x;</a>",
    ],
)
def test_what_is_not_xml(data):
    assert refusal(data).message.startswith("The file is not well-formed XML: ")


@pytest.mark.parametrize("encoding", ["klingon", "utf-32-be"])
def test_an_encoding_that_is_wrong(encoding):
    problem = refusal(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + SOUND)
    assert "XML" in problem.message


def test_bytes_that_are_not_in_the_encoding():
    assert refusal(SOUND.replace(b'id="x"', b'id="x" name="\xff\xfe"')).line is not None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "windows-1252"])
def test_other_encodings_are_read(encoding):
    name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{name}"?>' + SOUND.decode().replace('id="x"', 'id="x" name="Prüfen"')
    (process,) = read_bpmn(text.encode(encoding)).processes
    assert process.nodes["x"].name == "Prüfen"


def test_another_root():
    problem = refusal(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert problem.message == (
        "The file is not BPMN 2.0: its outermost element is 'svg' of 'http://www.w3.org/2000/svg'."
    )
    assert refusal(b"<definitions/>").message == "The file is not BPMN 2.0: its outermost element is 'definitions'."


@pytest.mark.parametrize("depth", [101, 300, 100_000])
def test_nesting_without_end(depth):
    problem = refusal(b"<a>" * depth + b"</a>" * depth)
    assert "nested more than 100 deep" in problem.message or "depth" in problem.message


def test_too_many_attributes():
    many = " ".join(f'a{n}=""' for n in range(200_000))
    began = time.perf_counter()
    problem = refusal(file(path(f'<bpmn:task id="x" {many}/>')))
    assert problem.message == "An element has 200,001 attributes; at most 200 are read."
    assert time.perf_counter() - began < 10


def test_too_many_elements():
    problem = refusal(definitions("<a/>" * 100_001))
    assert problem.message == "The file has 100,002 elements; at most 100,000 are read."


def test_many_problems_are_counted_and_quick():
    began = time.perf_counter()
    problems = lint(file(path('<bpmn:task id="x"/>') + '\n<bpmn:tusk wrong="1"/>' * 50_000))
    assert len(problems) == 501
    assert problems[-1].message == "49,500 more problems are not listed."
    assert time.perf_counter() - began < 20


HOSTILE = {
    "braces": flow("s", "x", "${" * 500_000, name="f"),
    "quotes": flow("s", "x", '= "' + '\\"' * 500_000 + "${a}", name="f"),
    "parentheses": flow("s", "x", "= " + "(" * 500_000, name="f"),
    "a deep data model": extended(f"<procession:dataModel>{'[' * 500_000}</procession:dataModel>"),
    "the same mistake": "<bpmn:tusk/>" * 50_000,
    "inclusive joins": "".join(
        f'<bpmn:inclusiveGateway id="g{n}"/>{flow(f"g{n}", f"g{n + 1}", name=f"a{n}")}'
        f"{flow(f'g{n}', f'g{n + 1}', '= a', name=f'b{n}')}"
        for n in range(5_000)
    ),
    "processes": '</bpmn:process><bpmn:process id="q"><bpmn:startEvent id="i"/>' * 20_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_made_to_be_slow_is_refused_quickly(what):
    began = time.perf_counter()
    assert any(problem.severity == "error" for problem in lint(file(path('<bpmn:task id="x"/>') + HOSTILE[what])))
    assert time.perf_counter() - began < 20


def test_limits_can_be_set():
    with pytest.raises(InvalidDefinition, match="at most 10 are read"):
        parse(SOUND, limits=Limits(size=10))


RICH = b"""<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<!-- before --><?target data?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:acme="urn:acme" xmlns:unused="urn:unused"
  targetNamespace="t"><!-- inside -->
  <process id="p" isExecutable="true" acme:color="r\xe9d">
    <extensionElements>
      <acme:deep a="1"><acme:er>text <b xmlns="urn:b">b</b> tail</acme:er></acme:deep>
    </extensionElements>
    <startEvent id="s"><documentation><![CDATA[a < b & c]]></documentation></startEvent>
  </process>
  <di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"><di:BPMNPlane bpmnElement="p"/></di:BPMNDiagram>
</definitions>
<!-- after -->
"""


def test_what_is_read_is_written_again():
    written = write_bpmn(parse(RICH))
    same(etree.fromstring(RICH), etree.fromstring(written))
    assert b"<![CDATA[a < b & c]]>" in written
    for part in (b"<!-- before -->", b"<?target data?>", b"<!-- after -->", b"standalone='yes'", b"ISO-8859-1"):
        assert part in written
    assert parse(written).write() == written


def test_the_bytes_stay_with_the_file():
    assert read_bpmn(RICH).data is RICH
