"""Where the settings come from, and what happens when something cannot work: one line, an exit code, no stack trace."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from procession.cli.secret import can_be_guessed, secret_of
from procession.cli.settings import SETTINGS, settings, unknown_variables
from tests.unit.cli.conftest import CARD, EXAMPLES

ROOT = EXAMPLES.parent


def names(line, *more):
    return {definition["name"] for definition in line.json("definitions", *more)["items"]}


def test_an_option_wins_over_the_environment_over_the_file_over_the_default(line, monkeypatch):
    for store in ("procession", "file", "environment", "option"):
        line.run("migrate-db", "--store", f"sqlite:///{store}.db")
    line.run("deploy", CARD, "--store", "sqlite:///option.db")
    assert names(line) == set()
    Path("settings.toml").write_text('store = "sqlite:///option.db"\n')
    assert names(line, "--config", "settings.toml") == {"credit_card"}
    monkeypatch.setenv("PROCESSION_CONFIG", "settings.toml")
    assert names(line) == {"credit_card"}
    monkeypatch.setenv("PROCESSION_STORE", "sqlite:///environment.db")
    assert names(line) == set()
    assert names(line, "--store", "sqlite:///option.db") == {"credit_card"}


def test_options_may_stand_before_the_command(line):
    line.run("--store", "sqlite:///other.db", "deploy", CARD)
    result = line.run("--store", "sqlite:///other.db", "--json", "definitions")
    assert json.loads(result.stdout)["items"][0]["name"] == "credit_card"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("store = ", "is not TOML"),
        ("shop = 1", "has 'shop', which is not a setting"),
        ("store = 1", "'store' must be a text"),
        ("\udcff", "is not TOML"),
        ('port = "8080"', "'port' must be a whole number. Write port = 8080."),
        ("port = 70000", "'port' must be from 0 to 65,535."),
        ("port = true", "'port' must be a whole number."),
        ("access_log = 1", "'access_log' must be true or false. Write access_log = false."),
        ('access_log = "yes"', "'access_log' must be true or false."),
        ("token_lifetime = 3600", "'token_lifetime' must be an ISO 8601 duration"),
        ('token_lifetime = "P1M"', "'token_lifetime' must be an ISO 8601 duration in days, hours, minutes or seconds."),
        ('token_lifetime = "PT0S"', "'token_lifetime' must be an ISO 8601 duration"),
        ('origins = "https://a"', "'origins' must be a list of texts."),
        ("origins = [1]", "'origins' must be a list of texts."),
        ('log_level = "loud"', "'log_level' must be one of debug, info, warning, error."),
    ],
)
def test_a_settings_file_that_is_wrong_is_refused(line, content, message):
    Path("bad.toml").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert message in line.error("definitions", "--config", "bad.toml", code=2)
    assert "Cannot read" in line.error("definitions", "--config", "none.toml", code=2)


GIVEN = {
    "text": ({"host": "0.0.0.0"}, "PROCESSION_HOST", "0.0.0.0", 'host = "0.0.0.0"', "0.0.0.0"),
    "number": ({"port": "9090"}, "PROCESSION_PORT", "9090", "port = 9090", 9090),
    "span": ({"grace": "PT1M"}, "PROCESSION_GRACE", "PT1M", 'grace = "PT1M"', 60.0),
    "flag": ({"access_log": True}, "PROCESSION_ACCESS_LOG", "on", "access_log = true", True),
    "list": ({"origins": "a,b"}, "PROCESSION_ORIGINS", "a, b", 'origins = ["a", "b"]', ("a", "b")),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_every_kind_of_setting_can_be_given_in_three_ways(line, monkeypatch, kind):
    options, variable, value, content, result = GIVEN[kind]
    (name,) = options
    usual = getattr(settings({}), name)
    assert usual != result
    Path("settings.toml").write_text(content)
    assert getattr(settings(options), name) == result
    assert getattr(settings({}, "settings.toml"), name) == result
    monkeypatch.setenv(variable, value)
    assert getattr(settings({}), name) == result


def test_a_flag_can_be_turned_off_again(line, monkeypatch):
    monkeypatch.setenv("PROCESSION_ACCESS_LOG", "yes")
    assert settings({}).access_log is True
    assert settings({"access_log": False}).access_log is False
    monkeypatch.setenv("PROCESSION_ACCESS_LOG", "0")
    assert settings({}).access_log is False


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "tcp://10.0.0.1:8080"), ("GRACE", "10"), ("ACCESS_LOG", "maybe"), ("LOG_FORMAT", "xml")],
)
def test_an_environment_variable_that_is_wrong_is_named(line, monkeypatch, variable, value):
    monkeypatch.setenv(f"PROCESSION_{variable}", value)
    assert f"error: PROCESSION_{variable} must be " in line.error("definitions", code=2)


def test_environment_variables_that_are_no_settings_are_noticed(monkeypatch):
    monkeypatch.setenv("PROCESSION_PROT", "1")
    monkeypatch.setenv("PROCESSION_URL", "http://localhost")
    assert "PROCESSION_PROT" in unknown_variables()
    assert "PROCESSION_URL" not in unknown_variables()


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    rows = {row.split("|")[1].strip(): row for row in page.splitlines() if row.startswith("| `")}
    assert list(rows) == [f"`{setting.name}`" for setting in SETTINGS]
    for setting in SETTINGS:
        usual = setting.usual if not isinstance(setting.usual, bool) else str(setting.usual).lower()
        assert f"`{usual}`" in rows[f"`{setting.name}`"] or usual in (None, ()), setting.name


@pytest.mark.parametrize(
    "secret",
    [
        "changeme" * 4,
        "secret" * 8,
        "a" * 64,
        "01234567890123456789012345678901234567890",
        "abcdefghijk" * 4,
        "please-change-this-to-a-long-random-secret",
        "MY_VERY_SECRET_KEY_1234567890_TEST_TEST",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused(line, monkeypatch, secret):
    monkeypatch.setenv("PROCESSION_SECRET", secret)
    stderr = line.error("serve", "--port", "0", code=2)
    assert "can be guessed" in stderr
    assert secret not in stderr


def test_the_secrets_of_the_documents_are_refused():
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    found = [
        text for page in pages for text in re.findall(r"(?i)secret\s*=\s*[\"']?([^\s\"'`]{32,})", page.read_text())
    ]
    assert not [text for text in found if not can_be_guessed(text)]


def test_a_secret_comes_from_the_environment_or_a_file(line, monkeypatch):
    good = secrets.token_urlsafe(48)
    Path("secret").write_text(good + "\n")
    assert secret_of(settings({"secret_file": "secret"})) == good
    monkeypatch.setenv("PROCESSION_SECRET", good)
    assert secret_of(settings({})) == good
    assert "Leave one of them out" in line.error("serve", "--secret-file", "secret", code=2)
    monkeypatch.delenv("PROCESSION_SECRET")
    assert "Cannot read the secret in 'gone'" in line.error("serve", "--secret-file", "gone", code=2)
    Path("secret").write_text("short")
    assert "too short: at least 32 bytes" in line.error("serve", "--secret-file", "secret", code=2)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--store", "postgresql://me:secret@127.0.0.1:1/db"), 1, "cannot be reached"),
        (("--bus", "amqp://me:secret@host"), 2, "is not known"),
        (("--store", "mysql://host"), 2, "is not known"),
        (("--store", "sqlite:///"), 2, "is not known"),
        (("--store", "sqlite:///gone/x.db"), 2, "There is no store"),
    ],
)
def test_a_store_or_bus_that_there_is_not(line, options, code, message):
    stderr = line.error("definitions", *options, code=code)
    assert message in stderr
    assert "secret" not in stderr


def test_reading_makes_no_store(line):
    assert "There is no store 'procession.db'" in line.error("instances", code=2)
    assert list(Path().iterdir()) == []


def test_a_file_that_is_no_database_is_said_so(line):
    Path("procession.db").write_text("not a database, but long enough to be looked at " * 50)
    assert "is not a SQLite database" in line.error("instances")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"a": 1 "b": 2}', "line 1, column 9"),
        ("{'a': 1}", "line 1, column 2"),
        ("[1]", "is a list, not a JSON object"),
        ("null", "is null"),
        ('{"a": NaN}', "NaN is not a number that JSON knows"),
        ('{"a": 1e999}', "too large"),
        ("[" * 100_000, "nested too deeply"),
        ("@none.json", "cannot read 'none.json'"),
        ("@latin.json", "not UTF-8"),
        ("", "line 1, column 1"),
    ],
)
def test_data_that_is_not_json_says_where(cards, data, message):
    Path("latin.json").write_bytes(b'{"a": "\xe9"}')
    assert message in cards.error("start", "credit_card", "--data", data, code=2)


def test_too_much_data_is_refused(cards):
    data = json.dumps({"client": {"name": "x" * 1_000_001, "income": 1}})
    problem = json.loads(cards.error("start", "credit_card", "--start-condition", "PF", "--data", data, "--json"))
    assert problem["status"] == 413


@pytest.mark.parametrize("command", ["status", "history", "follow", "hold", "terminate", "retry", "claim", "complete"])
@pytest.mark.parametrize("number", ["1", "abc", "-", "99999999999999999999999999"])
def test_an_id_that_is_none_is_not_found(cards, command, number):
    assert "not found." in cards.error(command, number)


def test_a_defect_is_one_line_too(cards, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("procession.app.Engine.instances", broken)
    assert cards.error("instances").startswith("error: ZeroDivisionError: by zero (a defect of procession")


# -- as a program -------------------------------------------------------------------------------------------------------


def program(*arguments, cwd, code, **options):
    done = subprocess.run(
        [sys.executable, "-m", "procession.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_exit_codes(tmp_path):
    program("deploy", CARD, "--publish", cwd=tmp_path, code=0)
    assert program("start", "credit_card", cwd=tmp_path, code=1).stderr.startswith("error: Multiple start nodes")
    program("start", cwd=tmp_path, code=2)
    program("frobnicate", cwd=tmp_path, code=2)
    program("start", "credit_card", "--data", "{", cwd=tmp_path, code=2)
    program("serve", cwd=tmp_path, code=2)
    program("bench", cwd=tmp_path, code=1)
    program("--help", cwd=tmp_path, code=0)


def test_a_bundle_goes_through_a_pipe(tmp_path):
    program("deploy", CARD, cwd=tmp_path, code=0)
    done = subprocess.run(
        [sys.executable, "-m", "procession.cli", "export"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=True,
    )
    (tmp_path / "piped.zip").write_bytes(done.stdout)
    program("import", "piped.zip", "--store", "sqlite:///other.db", cwd=tmp_path, code=0)


def test_help_is_there_at_once(tmp_path):
    """And does not load the engine for it: the time is a loose bound, what is imported is not."""
    begun = time.monotonic()
    program("--help", cwd=tmp_path, code=0)
    assert time.monotonic() - begun < 2
    loaded = "import sys, procession.cli.application as a; a.build(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"procession.app", "procession.bpmn", "lxml.etree", "rich.console", "apsw", "argon2", "asyncio", "msgspec"}
    assert not heavy & set(done.stdout.split())


def test_every_command_has_a_help_of_its_own(line):
    text = line.out("--help")
    commands = [part.split()[0] for part in text.partition("Commands:")[2].splitlines() if part.strip()]
    assert len(commands) > 25
    for command in commands:
        assert "Usage: " in line.out(command, "--help")
