"""The command line: one table of commands, each imported only when it is called."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from service.cli.state import State
from spendwatt import __version__
from spendwatt.errors import SpendwattError


class Command(NamedTuple):
    """Where a command's function lives, and its line in the list of commands."""

    target: str
    """ "module:function"; the function takes a typer.Context whose `obj` is the State."""
    help: str
    is_group: bool = False
    """The function makes a whole group of commands."""


GROUPS: dict[str, str] = {
    "import": "Bring files in: bills, telemetry, nvidia-smi logs.",
    "findings": "Show what was found. Without a further word: list what is open.",
    "silence": "Keep findings from being told for a while.",
    "db": "Look after the database.",
    "token": "Look after the tokens that open the REST interface.",
    "config": "Look at the settings.",
}

COMMANDS: dict[str, Command] = {
    "demo": Command("service.cli.demo:demo", "Play a made-up company's months, and serve them."),
    "init": Command("service.cli.init:init", "Write a configuration that fits this machine."),
    "check": Command("service.cli.check:check", "Try every part, and say what works."),
    "serve": Command("service.cli.serve:serve", "Collect, analyze, alert and answer."),
    "collect": Command("service.cli.collect:collect", "Run collectors once, now."),
    "import bill": Command("service.cli.import_bill:import_bill", "Bring in bills from files."),
    "import focus": Command("service.cli.import_bill:import_bill", "The same as `import bill`."),
    "import telemetry": Command(
        "service.cli.import_telemetry:import_telemetry", "Bring in GPU readings from a CSV file."
    ),
    "import smi": Command(
        "service.cli.import_telemetry:import_smi", "Bring in GPU readings from an nvidia-smi log."
    ),
    "analyze": Command("service.cli.analyze:analyze", "Judge what is stored; keep the findings."),
    "backtest": Command(
        "service.cli.backtest:backtest", "Replay the past: what would have been said when?"
    ),
    "breakeven": Command(
        "service.cli.breakeven:breakeven", "Tell when owning costs less than renting."
    ),
    "report": Command("service.cli.report:report_group", "Print a report.", is_group=True),
    "findings list": Command("service.cli.findings:list_findings", "List findings."),
    "findings show": Command("service.cli.findings:show_finding", "Show one finding whole."),
    "silence add": Command("service.cli.silence:add_silence", "Silence what a filter matches."),
    "silence list": Command("service.cli.silence:list_silences", "List silences."),
    "silence end": Command("service.cli.silence:end_silence", "End a silence now."),
    "db upgrade": Command("service.cli.db:upgrade", "Bring the schema to this version."),
    "db current": Command("service.cli.db:current", "Say which schema the database has."),
    "db prune": Command("service.cli.db:prune", "Drop what is older than its retention, now."),
    "db distribute": Command("service.cli.db:distribute", "Spread the tables over Citus workers."),
    "token create": Command("service.cli.token:create_token", "Make a token; shown once."),
    "token list": Command("service.cli.token:list_tokens", "List tokens, without their secret."),
    "token revoke": Command("service.cli.token:revoke_token", "Make a token worthless."),
    "config show": Command("service.cli.config:show_config", "Print the settings in force."),
}

DEFAULTS: dict[str, str] = {"findings": "list", "silence": "add"}
"""Group -> the command meant where the next word names none."""


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and help, and imports only the one that is called."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the group's default command in where the user named none."""
        default = DEFAULTS.get(self.name or "")
        if default is not None and args[:1] != ["--help"] and not {*args[:1]} & {*self.commands}:
            args = [default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command as ever (with suggestions for typos), then load what it stands for."""
        name, found, rest = super().resolve_command(ctx, args)
        words = [*ctx.command_path.split()[1:], name]
        command = COMMANDS.get(" ".join(words))
        return name, found if command is None else loaded(words[-1], command), rest


def run(args: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command line and give its exit code: 0 done, 1 failed, 2 usage or configuration."""
    state = State(environ=os.environ if environ is None else environ)
    try:
        _application().main(
            args=list(sys.argv[1:] if args is None else args), prog_name="spendwatt", obj=state
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except SpendwattError as err:
        return _fail(str(err), err.exit_code)
    except OSError as err:
        if err.errno == errno.EPIPE:
            return _reader_left()
        return _fail(f"{err.filename or 'the operating system'}: {err.strerror or err}", 1)
    except KeyboardInterrupt:
        return 130
    finally:
        state.close()
    return 0


def _application() -> Any:
    root = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True, help=_ABOUT)
    root.callback()(_options)
    groups = {"": root}
    for name, help_text in GROUPS.items():
        groups[name] = typer.Typer(
            name=name, cls=LazyGroup, no_args_is_help=name not in DEFAULTS, help=help_text
        )
        root.add_typer(groups[name])
    for path, command in COMMANDS.items():
        group, _, name = path.rpartition(" ")
        groups[group].command(name, help=command.help)(_not_loaded)
    return typer.main.get_command(root)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)  # noqa: T201 - what was asked for
        raise typer.Exit


_ABOUT = "Know what clouds, LLM APIs and GPUs cost, what jumped, what stands idle, what to own."


def _options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration file.", show_default="./spendwatt.toml if there"),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    state: State = ctx.obj
    state.config_path = config


def _not_loaded() -> None:
    """Stand in for a command in the list; `LazyGroup` puts the real one in its place."""


def loaded(name: str, command: Command) -> Any:
    """Import a command, with all its options."""
    module, _, attribute = command.target.partition(":")
    function = getattr(import_module(module), attribute)
    if command.is_group:
        return typer.main.get_command(function())
    alone = typer.Typer(add_completion=False)
    alone.command(name)(function)
    return typer.main.get_command(alone)


def _fail(message: str, exit_code: int) -> int:
    print(f"spendwatt: {message}", file=sys.stderr)  # noqa: T201 - for people
    return exit_code


def _reader_left() -> int:
    # `spendwatt ... | head` closes the pipe early; without this Python complains at its exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
