"""What one unit costs, here and there: a GPU-hour, a useful GPU-hour, a million tokens."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from spendwatt.errors import MoneyError

SECONDS_PER_HOUR = 3600
TOKENS_PER_MTOK = Decimal(1_000_000)


def per_gpu_hour(per_month: Decimal, gpus: int, hours_per_month: Decimal) -> Decimal:
    """Give what a GPU-hour costs, used or not. Raises MoneyError where there are none."""
    if gpus <= 0 or hours_per_month <= 0:
        raise MoneyError(f"{gpus} GPUs give no GPU-hours")
    return per_month / (gpus * hours_per_month)


def per_useful_gpu_hour(gpu_hour: Decimal, utilization: Decimal) -> Decimal | None:
    """Give what a busy GPU-hour costs; None where nothing was done."""
    return gpu_hour / utilization if utilization > 0 else None


def per_mtok(
    hourly: Decimal, tokens_per_second: Decimal, utilization: Decimal = Decimal(1)
) -> Decimal | None:
    """Give the cost of a million tokens from an hour's; None where no token is made.

    Source: hourly / (tokens/s x utilization x 3600 / 10^6), as published by Lenovo and others.
    """
    mtok = tokens_per_second * utilization * SECONDS_PER_HOUR / TOKENS_PER_MTOK
    return hourly / mtok if mtok > 0 else None


def blended_price(
    input_price: Decimal, output_price: Decimal, input_share: Decimal = Decimal(1) / 3
) -> Decimal:
    """Give the price of a million tokens of which `input_share` are input.

    One third is what Pan et al. (arXiv:2509.18101) take: two tokens out for one in.
    """
    return input_share * input_price + (1 - input_share) * output_price


def mtok_per_month(tokens_per_second: Decimal, hours_per_month: Decimal) -> Decimal:
    """Give the million tokens that a device makes in a month of so many working hours."""
    return tokens_per_second * SECONDS_PER_HOUR * hours_per_month / TOKENS_PER_MTOK


def devices_needed(
    demand_tokens_per_second: Decimal, device_tokens_per_second: Decimal, target: Decimal
) -> int:
    """Give the devices that carry a demand (its 95th percentile) at a target utilization.

    Raises MoneyError for a device that makes no tokens.
    """
    rate = device_tokens_per_second * target
    if rate <= 0:
        raise MoneyError("a device that makes no tokens carries no demand")
    return int((demand_tokens_per_second / rate).to_integral_value(rounding=ROUND_CEILING))


def equivalence(device_rate: Decimal, reference_rate: Decimal) -> Decimal | None:
    """Give how many of the reference one device replaces; None where the reference does nothing."""
    return device_rate / reference_rate if reference_rate > 0 else None
