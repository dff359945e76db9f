"""The description of the interface: what it promises is kept, and it changes only on purpose."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, openapi
from schemathesis.specs.openapi.checks import positive_data_acceptance

from storage.engine import Store
from storage.tokens import Role

QUICK = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_keeps_what_its_description_promises(
    running, app_for, prices, make_token, sqlite_store: Store, mode: GenerationMode
) -> None:
    header = make_token(sqlite_store, Role.ADMIN)
    app = app_for(sqlite_store, reports={"prices": prices})
    asked = 0
    with running(app) as base:
        described = openapi.from_url(f"{base}/api/v1/openapi.json", headers=header)
        for found in described.get_all_operations():
            operation = found.ok()
            if mode is GenerationMode.NEGATIVE and not _takes_something(operation):
                continue

            @QUICK
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case) -> None:
                nonlocal asked
                asked += 1
                # A window and a filter are languages of their own: JSON Schema cannot tell them.
                case.call_and_validate(headers=header, excluded_checks=[positive_data_acceptance])

            ask()
    assert asked > 50


def _takes_something(operation) -> bool:
    return any((operation.query, operation.path_parameters, operation.body))
