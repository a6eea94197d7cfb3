"""Providers with the handler_api protocol, such as DaisySMS."""

from kiwisms.adapters.daisysms.client import DaisySMS
from kiwisms.adapters.daisysms.dialect import Dialect

__all__ = ["DaisySMS", "Dialect"]
