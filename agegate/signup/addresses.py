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
            # In memory: the reader in C ends the process on a damaged file, and a mapped file that is
            # overwritten in place is as bad; this one raises.
            self._reader = maxminddb.open_database(file, maxminddb.MODE_MEMORY)
        except (OSError, TypeError, ValueError, maxminddb.InvalidDatabaseError):
            raise ConfigError(
                f"gate.ip_database: {file}: not a readable MaxMind DB file; name one such as a country edition"
            ) from None

    def country(self, address: str) -> str | None:
        """The country of an address, or `None` where the file or the address has none. Never raises."""
        try:
            parsed = ipaddress.ip_address(address.strip())
            if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
                parsed = parsed.ipv4_mapped
            record: Any = self._reader.get(parsed)
        except Exception:  # no address of this kind; and a damaged file may fail in any way
            return None
        if not isinstance(record, dict):
            return None
        country = record.get("country")
        codes = (country.get("iso_code") if isinstance(country, dict) else country, record.get("country_code"))
        return next((found for code in codes if isinstance(code, str) and (found := parse_country(code))), None)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
