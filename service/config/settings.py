"""All settings together, and what they say about the user's estate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from pydantic import PrivateAttr

from alerts.settings import AlertSettings, RouteSettings
from service.config.hardware import AssetEntry, HardwareOptionEntry, QuoteEntry, WorkloadEntry
from service.config.money import BudgetEntry, CurrencySettings, EnergySettings, LabelEntry
from service.config.sections import (
    ChannelEntry,
    CollectorEntry,
    DisplaySettings,
    LoggingSettings,
    ServerSettings,
    StorageSettings,
)
from spendwatt.estate import Asset, Budget, Estate, HardwareOption, LabelRule, Quote, Workload
from spendwatt.settings import Duration, SettingsModel


class AlertsSettings(AlertSettings):
    """Whom to tell what, and how often."""

    channels: tuple[ChannelEntry, ...] = ()
    """`[[alerts.channels]]`: the places where findings are told."""
    routes: tuple[RouteSettings, ...] = ()
    """`[[alerts.routes]]`: which findings go to which channel."""


class AnalysisSettings(SettingsModel):
    """How often is judged, and each analyzer's own settings under its name."""

    every: Duration = timedelta(minutes=15)
    """How often everything is judged."""
    analyzers: dict[str, Any] = {}


class Settings(SettingsModel):
    """Every setting, checked. Made by `service.config.load`."""

    storage: StorageSettings = StorageSettings()
    server: ServerSettings = ServerSettings()
    display: DisplaySettings = DisplaySettings()
    logging: LoggingSettings = LoggingSettings()
    collectors: tuple[CollectorEntry, ...] = ()
    energy: EnergySettings = EnergySettings()
    assets: tuple[AssetEntry, ...] = ()
    quotes: tuple[QuoteEntry, ...] = ()
    hardware_options: tuple[HardwareOptionEntry, ...] = ()
    workloads: tuple[WorkloadEntry, ...] = ()
    budgets: tuple[BudgetEntry, ...] = ()
    labels: tuple[LabelEntry, ...] = ()
    currency: CurrencySettings = CurrencySettings()
    alerts: AlertsSettings = AlertsSettings()
    analysis: AnalysisSettings = AnalysisSettings()

    _origins: Mapping[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    def with_origins(self, origins: Mapping[tuple[str, ...], str]) -> Self:
        """Remember where each value was set: place -> file or variable."""
        self._origins = dict(origins)
        return self

    def origin(self, place: tuple[str, ...]) -> str:
        """Say where the value at a place comes from."""
        above = (place[:length] for length in range(len(place), 0, -1))
        return next((self._origins[p] for p in above if p in self._origins), "default")

    def estate(self) -> Estate:
        """Give what is owned, paid and planned as the plain values that rooms below work with."""
        return Estate(
            assets=tuple(Asset(**dict(entry)) for entry in self.assets),
            energy=self.energy.energy_price(),
            budgets=tuple(Budget(**dict(entry)) for entry in self.budgets),
            quotes=tuple(Quote(**dict(entry)) for entry in self.quotes),
            hardware_options=tuple(HardwareOption(**dict(e)) for e in self.hardware_options),
            workloads=tuple(Workload(**dict(entry)) for entry in self.workloads),
            label_rules=tuple(LabelRule(**dict(entry)) for entry in self.labels),
            currency_rates=self.currency.by_month_and_pair(),
            public_url=self.server.public_url,
        )
