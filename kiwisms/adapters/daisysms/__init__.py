"""Upstreams that speak the handler_api protocol, DaisySMS first of all."""

from kiwisms.adapters.daisysms.client import DaisySMS
from kiwisms.adapters.daisysms.dialect import Dialect

__all__ = ["DaisySMS", "Dialect"]
