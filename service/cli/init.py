"""`spendwatt init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import note
from service.cli.state import State
from service.config.load import DEFAULT_FILE
from service.setup.detect import PROVIDERS, Found, detect
from service.setup.guides import guide_text
from service.setup.template import Answers, configuration, folder_of
from spendwatt.errors import MoneyError, UsageError
from spendwatt.money import parse_money


def init(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take every default.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a configuration that fits this machine."""
    state: State = ctx.obj
    file = state.config_path or Path(state.environ.get("SPENDWATT_CONFIG") or DEFAULT_FILE)
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", do="Mend it, or write it anew with --force")
    found = detect(state.environ, Path.home())
    _tell(found)
    answers = _defaults(found) if yes else _ask(found)
    file.write_text(configuration(answers, found), encoding="utf-8")
    for provider in answers.providers:
        folder = Path(folder_of(answers.folder, provider))
        folder.mkdir(parents=True, exist_ok=True)
        typer.echo(f"\n{guide_text(provider, str(folder))}")
    typer.echo(f"\n{file} is written. Next: `spendwatt check`, then `spendwatt serve`.")


def _tell(found: Found) -> None:
    gpus = ", ".join(found.gpus.names) or f"none ({found.gpus.error or 'no device'})"
    note(f"GPUs: {gpus}")
    note(f"Cloud credentials: {', '.join(found.providers) or 'none'}")


def _defaults(found: Found) -> Answers:
    return Answers("sqlite:///spendwatt.db", found.providers, "bills", None, None)


def _ask(found: Found) -> Answers:
    """Ask at most five questions; a price is asked for only where it is needed."""
    default = _defaults(found)
    database = typer.prompt(
        "Database (sqlite:///FILE or postgresql+psycopg://USER@HOST/DB)", default=default.database
    )
    providers = _providers(
        typer.prompt(
            f"Which clouds send you bills ({', '.join(PROVIDERS)}; none)",
            default=", ".join(found.providers) or "none",
        )
    )
    folder = default.folder
    if providers:
        folder = typer.prompt("Folder into which their exports are fetched", default=folder)
    price = None
    if found.gpus.names:
        price = _price(typer.prompt('A kilowatt-hour costs, such as "0.15 EUR"', default="unknown"))
    webhook = typer.prompt(
        "File that holds the address of a Slack webhook, for messages", default="none"
    )
    return Answers(database, providers, folder, price, None if webhook == "none" else webhook)


def _providers(text: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in text.replace(",", " ").split()]
    unknown = [name for name in names if name not in {*PROVIDERS, "none"}]
    if unknown:
        raise UsageError(
            f'"{unknown[0]}" is not known', do=f"Allowed: {', '.join(PROVIDERS)}, none"
        )
    return tuple(dict.fromkeys(name for name in names if name != "none"))


def _price(text: str) -> str | None:
    if text == "unknown":
        return None
    try:
        return str(parse_money(text))
    except MoneyError as err:
        raise UsageError(str(err)) from err
