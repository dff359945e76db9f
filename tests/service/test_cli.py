"""The command line: exit codes, messages, formats."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from service.cli.app import COMMANDS, DEFAULTS, GROUPS, run
from storage import migrate
from storage.daemon_lock import daemon_lock
from storage.engine import open_store

SPENDWATT = Path(sys.executable).parent / "spendwatt"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run every command in an empty folder, without variables from outside."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*args: str, **environ: str) -> int:
    return run(args, environ)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_can_be_loaded_and_says_what_it_does(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _, function = COMMANDS[path].target.partition(":")
    assert callable(getattr(import_module(module), function))
    assert ran(*path.split(), "--help") == 0
    assert "--help" in capsys.readouterr().out


def test_every_group_has_help_and_every_default_exists() -> None:
    assert {path.partition(" ")[0] for path in COMMANDS if " " in path} == {*GROUPS}
    assert all(f"{group} {command}" in COMMANDS for group, command in DEFAULTS.items())


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from service.cli.app import run; run(['--help'], {});"
        "print([m for m in sys.modules if m.startswith(('sqlalchemy', 'pydantic', 'storage'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["db", "upgrad"],
        ["db", "current", "--format", "xml"],
        ["import"],
        ["silence", 'kind:"x"', "--for", "soon", "--reason", "r"],
        ["--config", "absent.toml", "config", "show"],
    ],
)
def test_wrong_usage_ends_with_2(args: list[str]) -> None:
    assert ran(*args) == 2


def test_what_fails_ends_with_1_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("spendwatt.db").write_bytes(b"no database at all" * 100)
    assert ran("db", "current") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("spendwatt: the database sqlite:///spendwatt.db")
    assert len(printed.err.splitlines()) == 1


def test_a_report_s_help_shows_filters_as_they_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert ran("db", "upgrade") == 0
    assert ran("report", "costs", "--help") == 0
    told = capsys.readouterr().out
    assert 'label[team]:"ml"' in told
    assert "currency, label:NAME, tag:NAME." in " ".join(told.replace("│", "").split())
    assert "currency, label[NAME], tag[NAME]." in " ".join(told.replace("│", "").split())


def test_a_report_that_is_not_there_is_answered_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ran("report", "foo") == 2
    said = capsys.readouterr().err
    assert said.startswith(
        'spendwatt: there is no report "foo". Reports: breakeven, changes, costs'
    )
    assert len(said.splitlines()) == 1


BILL = "BilledCost,EffectiveCost,ChargePeriodStart\n1,1,2026-01-05\n"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31mred", "x" * 201, "\udcff"])
@pytest.mark.parametrize("what", ["bill", "telemetry"])
def test_a_source_is_called_by_one_line_of_text(
    capsys: pytest.CaptureFixture[str], what: str, name: str
) -> None:
    Path("a.csv").write_text(BILL if what == "bill" else "timestamp,gpu_uuid\n1772366400,GPU-a\n")
    assert ran("import", what, "a.csv", "--source", name) == 2
    assert "--source NAME" in capsys.readouterr().err
    assert not Path("spendwatt.db").exists()


def test_a_bill_cannot_have_become_known_in_the_future(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text(BILL)
    assert ran("import", "bill", "a.csv", "--received-at", "2199-01-01T00:00:00Z") == 2
    assert "2199-01-01T00:00:00Z lies in the future" in capsys.readouterr().err
    assert not Path("spendwatt.db").exists()


@pytest.mark.parametrize("what", ["bill", "telemetry"])
def test_a_pipe_is_refused_and_not_waited_on(capsys: pytest.CaptureFixture[str], what: str) -> None:
    os.mkfifo("pipe.csv")
    assert ran("import", what, "pipe.csv") == 1
    assert "pipe.csv: " in (said := capsys.readouterr().err)
    assert "no regular file. Save it as a file first" in said


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--config", "{}", "config", "show"], 2),
        (["backtest", "--from", "2025-01-01", "--to", "2025-01-02", "--ledger", "{}"], 1),
        (["backtest", "--from", "2025-01-01", "--to", "2025-01-02", "--labels", "{}"], 1),
    ],
)
@pytest.mark.parametrize("name", ["pipe", "folder"])
def test_what_is_no_regular_file_is_refused(
    capsys: pytest.CaptureFixture[str], args: list[str], code: int, name: str
) -> None:
    os.mkfifo("pipe")
    Path("folder").mkdir()
    assert ran(*(word.format(name) for word in args)) == code
    said = capsys.readouterr().err
    assert name in said
    assert "is no regular file. Save it as a file first" in said


def test_a_port_in_use_is_told_before_serving(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ran("check", "--format", "json", SPENDWATT_SERVER__PORT=str(port)) == 1
        told = {row["part"]: row for row in json.loads(capsys.readouterr().out)["data"]}
        assert f"port {port} on 127.0.0.1 cannot be listened on" in told["server"]["says"]
        assert ran("db", "upgrade") == 0
        lock = daemon_lock(open_store("sqlite:///spendwatt.db"))
        assert lock.take()
        assert ran("check", SPENDWATT_SERVER__PORT=str(port)) == 0
        lock.release()
    assert "a daemon works on this database" in capsys.readouterr().out


def test_settings_are_shown_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("config", "show") == 0
    assert " 8321 " in capsys.readouterr().out


def test_a_typo_is_answered_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("db", "curent") == 2
    assert "current" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--version") == 0
    assert capsys.readouterr().out == "0.1.0\n"


def test_a_listing_comes_as_table_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("token", "create", "grafana") == 0
    capsys.readouterr()
    assert ran("token", "list") == 0
    assert "grafana" in capsys.readouterr().out
    assert ran("token", "list", "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)["data"]
    assert (row["name"], row["role"], row["revoked_at"]) == ("grafana", "viewer", None)
    assert ran("token", "list", "--format", "csv") == 0
    (line,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert line["id"] == row["id"]


def test_a_tokens_secret_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("token", "create", "ci", "--role", "admin") == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith("sw_")
    for format_ in ("table", "json", "csv"):
        assert ran("token", "list", "--format", format_) == 0
        assert secret.rpartition("_")[2] not in capsys.readouterr().out
    assert ran("token", "revoke", "ci") == 0
    assert ran("token", "revoke", "ci") == 2


def test_a_silence_is_added_listed_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("db", "upgrade") == 0
    assert ran("silence", 'label[team]:"ml"', "--for", "7d", "--reason", "load test") == 0
    capsys.readouterr()
    assert ran("silence", "list", "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)["data"]
    assert (row["filter"], row["reason"]) == ('label[team]:"ml"', "load test")
    assert ran("silence", "end", str(row["id"])) == 0
    capsys.readouterr()
    assert ran("silence", "list", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["data"] == []
    assert ran("silence", "end", str(row["id"])) == 2


def test_findings_alone_lists_the_open_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("db", "upgrade") == 0
    capsys.readouterr()
    assert ran("findings", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"findings": []}
    assert ran("findings", "--filter", 'service:"x"') == 2
    assert ran("findings", "show", "0123abcd") == 2


def test_reading_makes_no_database(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("findings") == 1
    assert "there is no database sqlite:///spendwatt.db yet" in capsys.readouterr().err
    assert ran("db", "current") == 0
    assert list(own_folder.iterdir()) == []


def test_an_old_schema_is_refused_and_upgraded(capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store("sqlite:///spendwatt.db")
    migrate.upgrade(store, "0001_bills")
    store.close()
    assert ran("token", "create", "x") == 1
    assert "spendwatt db upgrade" in capsys.readouterr().err
    assert ran("db", "upgrade") == 0
    assert ran("token", "create", "x") == 0


def test_a_database_of_an_unknown_revision_is_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ran("db", "upgrade") == 0
    store = open_store("sqlite:///spendwatt.db")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_future'")
    for command in ("db upgrade", "findings", "token create x"):
        assert ran(*command.split()) == 1
        assert "9999_future" in capsys.readouterr().err
    store.close()


def test_the_settings_in_force_are_shown_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("hook").write_text("https://hooks.slack.com/services/T/B/hunter2", encoding="utf-8")
    Path("spendwatt.toml").write_text(
        '[storage]\npassword = "hunter2"\n[[alerts.channels]]\nname = "ops"\nkind = "slack"\n'
        'webhook_url_file = "hook"\n[[budgets]]\nname = "ml"\nmonthly = "1 USD"\n'
        "filter = 'label[team]:\"ml\"'\n",
        encoding="utf-8",
    )
    assert ran("config", "show", "--format", "json", SPENDWATT_SERVER__PORT="99") == 0
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    rows = {row["setting"]: row for row in json.loads(printed)["data"]}
    assert rows["server.port"] == {
        "setting": "server.port",
        "value": 99,
        "from": "SPENDWATT_SERVER__PORT",
    }
    assert rows["budgets.ml.filter"]["value"] == 'label[team]:"ml"'
    assert rows["budgets.ml.filter"]["from"] == "spendwatt.toml"
    assert rows["alerts.channels.ops.webhook_url"]["value"] == "**********"
    assert rows["server.host"]["from"] == "default"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{SPENDWATT} config show --format csv | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "setting,value,from"


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from service.cli import db

    def interrupted(_store: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(db.migrate, "upgrade", interrupted)
    assert ran("db", "upgrade") == 130


def test_only_a_citus_database_can_be_spread(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("db", "upgrade") == 0
    assert ran("db", "distribute") == 2
    assert "Citus" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran("init", "--yes", SPENDWATT_CONFIG="nowhere/spendwatt.toml") == 1
    assert "nowhere/spendwatt.toml" in capsys.readouterr().err


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


Answer = Callable[[str], None]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    def type_in(lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))

    return type_in


@pytest.mark.usefixtures("no_credentials")
def test_what_init_writes_is_accepted_by_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("init", "--yes") == 0
    assert "purchase_price = " not in _settings(Path("spendwatt.toml"))
    assert ran("check", "--format", "json") == 0
    printed = capsys.readouterr().out
    rows = json.loads(printed[printed.index('{"') :].splitlines()[-1])["data"]
    assert all(row["ok"] for row in rows)


@pytest.mark.usefixtures("no_credentials")
def test_init_takes_answers_and_prints_how_to_export(
    capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    answer("sqlite:///own.db\naws gcp\nexports\nnone\n")
    assert ran("init") == 0
    printed = capsys.readouterr().out
    assert "aws bcm-data-exports create-export" in printed
    assert "s3:GetObject" in printed
    assert "within 24 hours" in printed
    text = _settings(Path("spendwatt.toml"))
    assert 'url = "sqlite:///own.db"' in text
    assert 'path = "exports/aws"' in text
    assert 'path = "exports/gcp"' in text
    assert ran("config", "show") == 0


@pytest.mark.usefixtures("no_credentials")
def test_init_asks_no_more_than_five_questions(
    capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    answer("\n" * 5)
    assert ran("init") == 0
    assert capsys.readouterr().out.count("]: ") <= 5


@pytest.mark.usefixtures("no_credentials")
def test_init_writes_over_nothing_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("spendwatt.toml").write_text("# mine\n", encoding="utf-8")
    assert ran("init", "--yes") == 2
    assert "--force" in capsys.readouterr().err
    assert Path("spendwatt.toml").read_text(encoding="utf-8") == "# mine\n"
    assert ran("init", "--yes", "--force") == 0


def test_check_says_what_to_do_about_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    Path("spendwatt.toml").write_text(
        '[[collectors]]\nname = "bills"\nkind = "focus_files"\npath = "absent"\n'
        '[[alerts.channels]]\nname = "here"\nkind = "console"\n',
        encoding="utf-8",
    )
    assert ran("check", "--format", "json") == 1
    rows = {row["part"]: row for row in json.loads(capsys.readouterr().out)["data"]}
    assert rows["channel here"]["ok"] is True
    assert rows["collector bills"]["ok"] is False
    assert "absent" in rows["collector bills"]["says"]


def test_a_folder_whose_first_bill_is_still_to_come_is_no_failure(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_folder / "bills").mkdir()
    (own_folder / "spendwatt.toml").write_text(
        '[[collectors]]\nname = "aws"\nkind = "focus_files"\npath = "bills"\n', encoding="utf-8"
    )
    assert ran("check") == 0
    assert "first bill is still to come" in capsys.readouterr().out
    (own_folder / "bills" / "a.csv").write_text("no,bill\n1,2\n", encoding="utf-8")
    assert ran("check") == 1


def test_serve_names_a_folder_that_is_not_there() -> None:
    url = "sqlite:///nowhere/spend.db"
    done = subprocess.run(
        [SPENDWATT, "serve"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SPENDWATT_STORAGE__URL": url},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("spendwatt: the lock nowhere/spend.db.lock cannot be opened")
    assert len(done.stderr.splitlines()) == 1


def test_the_installed_command_runs() -> None:
    done = subprocess.run(
        [SPENDWATT, "--version"], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout == "0.1.0\n"


def _settings(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))
