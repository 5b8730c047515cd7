"""The country of an IP address, from a MaxMind DB file that the host provides."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from agegate.errors import ConfigError
from agegate.law import parse_country


class Addresses:
    """Looks up countries of IP addresses in a file in MaxMind's format (GeoLite2, DB-IP, IPinfo).

    Needs the extra `geo`. An address is looked at for one decision and kept nowhere.
    """

    def __init__(self, file: Path) -> None:
        """Open the file. Raises `ConfigError` if it or the library is missing, or it is another format."""
        try:
            import maxminddb
        except ImportError:
            raise ConfigError("gate.ip_database needs the extra geo: install agegate[geo]") from None
        try:
            self._reader = maxminddb.open_database(file)
        except (OSError, maxminddb.InvalidDatabaseError):
            raise ConfigError(
                f"gate.ip_database: {file}: not a readable MaxMind DB file; name one such as a country edition"
            ) from None

    def country(self, address: str) -> str | None:
        """The country of an address, or `None` where the file or the address has none. Never raises."""
        try:
            record: Any = self._reader.get(ipaddress.ip_address(address.strip()))
        except (ValueError, RuntimeError):  # no address of this kind; or a damaged record
            return None
        country = record.get("country") if isinstance(record, dict) else None
        code = country.get("iso_code") if isinstance(country, dict) else country
        return parse_country(code) if isinstance(code, str) else None

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
