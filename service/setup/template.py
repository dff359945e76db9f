"""Writes the first configuration: what was answered and found, and the rest as comments."""

from __future__ import annotations

import json
from dataclasses import dataclass

from service.setup.detect import Found


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user answered."""

    database: str
    providers: tuple[str, ...]
    folder: str
    price_per_kwh: str | None
    slack_webhook_file: str | None


def configuration(answers: Answers, found: Found) -> str:
    """Write the file."""
    parts = [
        _HEAD,
        f"[storage]\nurl = {_text(answers.database)}\n",
        _SERVER,
        *(_bills(provider, answers.folder) for provider in answers.providers),
        _gpus(found),
        _energy(answers.price_per_kwh),
        _asset(found),
        _MONEY,
        _alerts(answers.slack_webhook_file),
    ]
    return "\n".join(part for part in parts if part)


def folder_of(answers_folder: str, provider: str) -> str:
    """Name the folder into which a provider's export is fetched."""
    return f"{answers_folder.rstrip('/')}/{provider}"


def _bills(provider: str, folder: str) -> str:
    return (
        f"# The bill of {provider}: FOCUS files (CSV, CSV.gz or Parquet) that lie in this folder.\n"
        f'[[collectors]]\nname = {_text(provider)}\nkind = "focus_files"\n'
        f'path = {_text(folder_of(folder, provider))}\nevery = "1h"\n'
    )


def _gpus(found: Found) -> str:
    if not found.gpus.names:
        why = found.gpus.error or "no GPU"
        return (
            f"# No GPU was found here ({why}). On a machine with NVIDIA GPUs:\n"
            '# [[collectors]]\n# name = "this-host"\n# kind = "nvml"\n'
        )
    return (
        f"# {len(found.gpus.names)} x {found.gpus.names[0]} in this machine.\n"
        f'[[collectors]]\nname = {_text(found.host)}\nkind = "nvml"\n'
    )


def _energy(price: str | None) -> str:
    if price is None:
        return (
            "# Without a price energy is told in kWh only.\n"
            '# [energy]\n# price_per_kwh = "0.15 EUR"   # or [[energy.tariff]] by the hour\n'
            "# pue = 1.3\n"
        )
    return f"[energy]\nprice_per_kwh = {_text(price)}\n# pue = 1.3   # what the building adds\n"


def _asset(found: Found) -> str:
    if not found.gpus.names:
        return ""
    return (
        "# Your own hardware. Without its price the cost of idle GPUs is unknown, not 0.\n"
        f"[[assets]]\nname = {_text(found.host)}\nmatch = {_text(f'host:{found.host}')}\n"
        '# purchase_price = "250000 EUR"\n# purchased_on = 2025-03-01\n'
        '# useful_life_years = 4\n# salvage_value = "40000 EUR"\n'
        "# maintenance_percent_per_year = 5\n# host_overhead_watts = 900\n"
    )


def _alerts(webhook_file: str | None) -> str:
    if webhook_file is None:
        return (
            "# Findings are told on the console until a channel is set up:\n"
            '[[alerts.channels]]\nname = "console"\nkind = "console"\n\n'
            '# [[alerts.channels]]\n# name = "ops"\n# kind = "slack"\n'
            '# webhook_url_file = "/run/secrets/slack"\n'
        )
    return (
        f'[[alerts.channels]]\nname = "ops"\nkind = "slack"\n'
        f"webhook_url_file = {_text(webhook_file)}\n"
    )


def _text(value: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which no name holds.
    return json.dumps(value, ensure_ascii=False)


_HEAD = """\
# Spendwatt. Every setting is described in docs/configuration.md; `spendwatt config show` prints
# those in force, `spendwatt check` tries them. SPENDWATT_SECTION__KEY overrides a value.
"""

_SERVER = """\
[server]
host = "127.0.0.1"   # any other address needs a token first: spendwatt token create NAME
port = 8321
"""

_MONEY = """\
# [[budgets]]
# name = "ml"
# monthly = "40000 EUR"
# filter = 'label[team]:"ml"'

# [[labels]]
# label = "team"
# from_tag = "team"
"""
