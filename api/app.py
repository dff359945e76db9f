"""Puts the REST interface together; the daemon and the tests serve what `create_app` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from api import mount, problems
from api.auth import requires
from api.context import ApiSettings, Context
from api.guard import Guard
from api.routes import catalogue, findings, health, metrics, silences, tokens
from reports import contract
from reports.contract import Report
from spendwatt import __version__
from spendwatt.clock import Clock
from spendwatt.estate import Estate
from storage.engine import Store
from storage.tokens import Role

PREFIX = "/api/v1"
_ABOUT = (
    "What clouds, LLM APIs and GPUs cost, what jumped, what stands idle, what to own. Times are "
    "UTC. Money is a decimal string beside its currency. What is missing is null, never 0."
)


def create_app(
    store: Store,
    estate: Estate,
    *,
    settings: ApiSettings,
    clock: Clock,
    reports: Mapping[str, Report] | None = None,
) -> FastAPI:
    """Make the application. `reports` defaults to all that are installed."""
    if reports is None:
        reports = {name: contract.find_report(name) for name in contract.names()}
    # FastAPI's own description routes are off: they need no token, and load scripts from a CDN.
    app = _Described(
        title="Spendwatt",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would be built from the caller's Host header.
        redirect_slashes=False,
    )
    app.state.context = Context(store, estate, settings, clock)
    app.add_middleware(Guard, settings=settings)
    problems.install(app)
    app.include_router(health.router())
    app.include_router(metrics.router())
    for router in (_reading(reports), silences.router(), tokens.router()):
        app.include_router(router, prefix=PREFIX)
    return app


class _Described(FastAPI):
    """An application whose description holds the form of a problem once, not in every answer."""

    def openapi(self) -> dict[str, Any]:
        described = super().openapi()
        components = described.setdefault("components", {}).setdefault("schemas", {})
        components[problems.NAME] = problems.SCHEMA
        return described


def _reading(reports: Mapping[str, Report]) -> APIRouter:
    viewer: list[Any] = [Depends(requires(Role.VIEWER))]
    reading = APIRouter(dependencies=viewer)
    reading.include_router(catalogue.router(reports))
    reading.include_router(findings.router())
    mount.mount(reading, reports)
    return reading
