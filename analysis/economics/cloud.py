"""What renting costs: GPU-hours on demand, on spot, committed; tokens by API."""

from __future__ import annotations

from decimal import Decimal

from spendwatt.errors import MoneyError


def gpu_hours_cost(
    gpu_hours: Decimal, instance_hourly: Decimal, gpus_per_instance: Decimal
) -> Decimal:
    """Give the price of GPU-hours that are sold by the instance. Raises MoneyError for no GPUs."""
    if gpus_per_instance <= 0:
        raise MoneyError(f"an instance with {gpus_per_instance} GPUs sells no GPU-hours")
    return gpu_hours * instance_hourly / gpus_per_instance


def spot_price(spot_hourly: Decimal, rework_share: Decimal) -> Decimal:
    """Give what a useful hour on spot costs when a share of the work is done again."""
    return spot_hourly * (1 + rework_share)


def rented_month(
    *,
    gpu_hours: Decimal,
    hourly: Decimal,
    committed_gpu_hours: Decimal = Decimal(0),
    committed_hourly: Decimal = Decimal(0),
    storage: Decimal = Decimal(0),
    egress: Decimal = Decimal(0),
) -> Decimal:
    """Give a month of renting: the commitment, used or not, the rest at `hourly`, and the data.

    `hourly` is the on-demand price, or `spot_price(...)`.
    """
    beyond = max(Decimal(0), gpu_hours - committed_gpu_hours)
    return committed_gpu_hours * committed_hourly + beyond * hourly + storage + egress


def token_api_month(
    *,
    input_mtok: Decimal,
    output_mtok: Decimal,
    input_price: Decimal,
    output_price: Decimal,
    cached_mtok: Decimal = Decimal(0),
    cached_price: Decimal = Decimal(0),
    batch_discount: Decimal = Decimal(0),
) -> Decimal:
    """Give a month's bill of a token API. Quantities and prices are per million tokens.

    `input_mtok` leaves cached tokens out. `batch_discount` is a share (0.5 for half price).
    """
    full = input_mtok * input_price + cached_mtok * cached_price + output_mtok * output_price
    return full * (1 - batch_discount)
