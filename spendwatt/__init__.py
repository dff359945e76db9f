"""The vocabulary of Spendwatt: records, money, windows, queries, errors."""

__version__ = "0.1.0"
