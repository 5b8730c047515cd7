"""The country of an IP address, from a file of the host's own; the address itself is kept nowhere."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from agegate import AgeGate, Outcome, Registration
from agegate.cli import main
from agegate.errors import ConfigError
from agegate.signup.addresses import Addresses
from tests.conftest import LAYOUTS, NOW, TODAY, Layout, write_config
from tests.hosts import DESCRIPTION

GERMAN, GERMAN_6 = "198.51.100.77", "2001:db8:49::4d77"
NETWORKS: dict[str, Any] = {
    # a country edition (GeoLite2, DB-IP), and IPinfo's
    "198.51.100.0/24": {"country": {"iso_code": "DE"}},
    "2001:db8:49::/48": {"country": {"iso_code": "DE"}},
    "203.0.113.0/24": {"country": "FR"},
    "2001:db8:33::/48": {"country": "FR"},
    "192.0.2.0/28": {"country": {"iso_code": "kr"}, "continent": {"code": "AS"}},
    # what says nothing of a country
    "192.0.2.16/28": {"country": {"names": {"en": "Germany"}}},
    "192.0.2.32/28": {"registered_country": {"iso_code": "DE"}},
    "192.0.2.48/28": {"country": {"iso_code": 49}},
    "192.0.2.64/28": {"country": ["DE"]},
    "192.0.2.80/28": {"country": "XK"},
    "192.0.2.96/28": {"country": "EU"},
    "192.0.2.112/28": {"country": "Germany"},
    "192.0.2.128/28": {"country": {"iso_code": ""}},
    "192.0.2.144/28": "DE",
    "192.0.2.160/28": ["country", "DE"],
    "192.0.2.176/28": {},
}


def write(file: Path, networks: dict[str, Any], version: int = 6) -> Path:
    """A file in MaxMind's format; one of version 6 holds both kinds of addresses."""
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6, database_type="Test-Country")
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(file))
    return file


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("addresses") / "countries.mmdb", NETWORKS)


@pytest.fixture(scope="module")
def addresses(countries: Path) -> Addresses:
    return Addresses(countries)


# --- looking up -----------------------------------------------------------------------------------------

KNOWN = [
    (GERMAN, "DE"),
    (GERMAN_6, "DE"),
    ("198.51.100.0", "DE"),
    ("198.51.100.255", "DE"),
    ("203.0.113.9", "FR"),
    ("2001:db8:33::1", "FR"),
    ("2001:0DB8:0033:0000:0000:0000:0000:0001", "FR"),
    (" 203.0.113.9\n", "FR"),
    ("192.0.2.1", "KR"),
    ("::ffff:198.51.100.77", "DE"),  # how a server that listens on IPv6 names an IPv4 address
]
UNKNOWN = [
    # in no network of the file
    "198.51.101.0",
    "10.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "2001:db8:50::1",
    "::1",
    "fe80::1%eth0",
    # no address
    "",
    " ",
    "localhost",
    "198.51.100",
    "198.51.100.77:443",
    "[2001:db8:49::1]",
    "198.51.100.77, 203.0.113.9",
    "198.51.100.0/24",
    "198.51.100.077",
    "3325256781",
    "198.51.100.256",
    "١٩٨.51.100.77",
    "198.51.100.77\x00",
    "\ud800",
    "1." * 1_000_000,
    ":" * 1_000_000,
    # in a network whose record names no country
    *(f"192.0.2.{part}" for part in range(17, 190, 16)),
]


@pytest.mark.parametrize(("address", "country"), KNOWN)
def test_an_address_is_in_the_country_of_its_network(addresses: Addresses, address: str, country: str) -> None:
    assert addresses.country(address) == country


@pytest.mark.parametrize("address", [pytest.param(address, id=ascii(address)[:30]) for address in UNKNOWN])
def test_what_the_file_does_not_know_is_in_no_country(addresses: Addresses, address: str) -> None:
    assert addresses.country(address) is None


def test_every_record_of_the_file_is_asked_for() -> None:
    asked = {str(ipaddress.ip_address(address.strip())) for address, _ in KNOWN}
    asked |= {address for address in UNKNOWN if address.startswith("192.0.2.")}
    for network in map(ipaddress.ip_network, NETWORKS):
        assert any(ipaddress.ip_address(address) in network for address in asked), network


@pytest.mark.parametrize(
    ("address", "country"),
    [(GERMAN, "DE"), ("::ffff:198.51.100.77", "DE"), (GERMAN_6, None), ("198.51.101.1", None)],
)
def test_a_file_of_the_old_addresses_alone_knows_no_new_ones(
    tmp_path: Path, address: str, country: str | None
) -> None:
    old = {network: record for network, record in NETWORKS.items() if ":" not in network}
    found = Addresses(write(tmp_path / "old.mmdb", old, version=4))
    assert found.country(address) == country
    found.close()


@given(st.one_of(st.text(), st.ip_addresses().map(str)))
def test_whatever_is_asked_is_a_country_or_nothing(addresses: Addresses, address: str) -> None:
    assert addresses.country(address) in {None, "DE", "FR", "KR"}


def test_a_closed_file_raises_nothing(countries: Path) -> None:
    closed = Addresses(countries)
    closed.close()
    closed.close()
    assert closed.country(GERMAN) in {None, "DE"}


# --- files that cannot be used ------------------------------------------------------------------------


def missing(file: Path, whole: bytes) -> None:
    """No file at all."""


def folder(file: Path, whole: bytes) -> None:
    file.mkdir()


def empty(file: Path, whole: bytes) -> None:
    file.touch()


def text(file: Path, whole: bytes) -> None:
    file.write_text("network,country\n198.51.100.0/24,DE\n" * 100, encoding="utf-8")


def cut_off(file: Path, whole: bytes) -> None:
    file.write_bytes(whole[: len(whole) // 2])


def cut_short(file: Path, whole: bytes) -> None:
    file.write_bytes(whole[:-9])


def without_its_mark(file: Path, whole: bytes) -> None:
    file.write_bytes(whole.replace(b"\xab\xcd\xefMaxMind.com", b"\xab\xcd\xefMaximum.com"))


def with_a_damaged_head(file: Path, whole: bytes) -> None:
    file.write_bytes(whole.replace(b"node_count", b"nope_count"))


def of_another_format(file: Path, whole: bytes) -> None:
    file.write_bytes(b"SQLite format 3\x00" + bytes(4096))


UNUSABLE = (
    missing,
    folder,
    empty,
    text,
    cut_off,
    cut_short,
    without_its_mark,
    with_a_damaged_head,
    of_another_format,
)


@pytest.mark.parametrize("spoil", UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_in_a_line(
    tmp_path: Path, countries: Path, spoil: Callable[[Path, bytes], None]
) -> None:
    file = tmp_path / "spoilt.mmdb"
    spoil(file, countries.read_bytes())
    with pytest.raises(ConfigError, match=r"^gate\.ip_database: .*MaxMind DB") as refused:
        Addresses(file)
    said = str(refused.value)
    assert "spoilt.mmdb" in said
    assert "\n" not in said


def test_without_the_library_the_extra_is_named(countries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)  # as Python itself marks what is not installed
    with pytest.raises(ConfigError, match=r"^gate\.ip_database needs the extra geo: install agegate\[geo\]$"):
        Addresses(countries)


LOOK_UP = """
import sys
from pathlib import Path
from agegate.errors import ConfigError
from agegate.signup.addresses import Addresses

whole, first, last, asked = Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
for position in range(first, last):
    for value in range(256):
        file = Path(sys.argv[1]).with_name(f"damaged-{position}-{value}")
        file.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
        try:
            found = Addresses(file)
        except ConfigError:
            continue
        finally:
            file.unlink()
        for address in asked:
            assert found.country(address) is None or len(found.country(address)) == 2
        found.close()
print("survived")
"""


def test_one_damaged_byte_among_the_records_ends_no_process(tmp_path: Path) -> None:
    """In a process of its own, because a reader in C that is led astray takes the server with it."""
    networks = {network: NETWORKS[network] for network in ("198.51.100.0/24", "203.0.113.0/24")}
    file = write(tmp_path / "small.mmdb", networks)
    whole = file.read_bytes()
    records, head = whole.index(b"Gcountry"), whole.index(b"\xab\xcd\xefMaxMind.com")
    assert 20 < head - records < 60
    asked = [str(records), str(head), GERMAN, "203.0.113.9"]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOOK_UP, str(file), *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "survived\n"), ran.stderr[-2000:]


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_one_damaged_byte_of_the_head_is_an_error_line_or_does_no_harm(tmp_path: Path, byte: int) -> None:
    whole = write(tmp_path / "small.mmdb", {"198.51.100.0/24": NETWORKS["198.51.100.0/24"]}).read_bytes()
    answers = set()
    for position in range(whole.index(b"\xab\xcd\xefMaxMind.com"), len(whole)):
        file = tmp_path / f"damaged-{position}"
        file.write_bytes(whole[:position] + bytes([byte]) + whole[position + 1 :])
        try:
            found = Addresses(file)
        except ConfigError:
            answers.add("refused")
            continue
        answers.add(found.country(GERMAN))
        found.close()
    assert "refused" in answers
    assert answers <= {"refused", "DE", None}


# --- at the gate ----------------------------------------------------------------------------------------

AT_THE_GATE = [
    # what else is given; the limit, its place, and whether the address is a place
    ({"country": "US", "ip": GERMAN}, (16, "DE"), True),
    ({"country": "US", "ip": GERMAN_6}, (16, "DE"), True),
    ({"country": "US", "ip": "203.0.113.9"}, (15, "FR"), True),
    ({"country": "DE", "ip": "203.0.113.9"}, (16, "DE"), True),
    ({"country": "US", "ip": "10.0.0.1"}, (13, "US"), False),
    ({"country": "US", "ip": ""}, (13, "US"), False),
    ({"country": "US", "ip": "no address"}, (13, "US"), False),
    ({"country": "US", "ip": 3325256781}, (13, "US"), False),
    ({"country": "US", "ip": b"198.51.100.77"}, (13, "US"), False),
    ({"country": "US", "ip": [GERMAN]}, (13, "US"), False),
    # what the host looked up comes first, if it knows the address
    ({"country": "US", "ip": GERMAN, "ip_country": "FR"}, (15, "FR"), True),
    ({"country": "US", "ip": GERMAN, "ip_country": "US"}, (13, "US"), False),
    ({"country": "US", "ip": GERMAN, "ip_country": "XX"}, (16, "DE"), True),
    ({"country": "US", "ip": GERMAN, "ip_country": "T1"}, (16, "DE"), True),
    ({"country": "US", "ip": GERMAN, "ip_country": ""}, (16, "DE"), True),
]


@pytest.mark.parametrize(("fields", "limit", "place"), AT_THE_GATE)
def test_an_address_raises_the_limit(
    addresses: Addresses, fields: dict[str, Any], limit: tuple[int, str], place: bool
) -> None:
    decision = AgeGate(addresses=addresses).check(Registration(birth_date="1990", **fields), today=TODAY)
    assert decision.outcome is Outcome.ADMIT
    assert decision.limit is not None
    assert decision.residence is not None
    assert (decision.limit.age, decision.limit.jurisdiction) == limit
    assert ("ip" in {found.basis for found in decision.residence.places}) is place


@pytest.mark.parametrize("born", ["1990", "2020"])
def test_an_address_alone_is_no_place(addresses: Addresses, born: str) -> None:
    decision = AgeGate(addresses=addresses).check(Registration(birth_date=born, ip=GERMAN), today=TODAY)
    assert decision.outcome is Outcome.INVALID
    assert [(error.field, error.code) for error in decision.errors] == [("country", "missing")]


def test_without_a_file_an_address_says_nothing() -> None:
    decision = AgeGate().check(Registration(birth_date="1990", country="US", ip=GERMAN), today=TODAY)
    assert decision.limit is not None
    assert decision.limit.jurisdiction == "US"


# --- by the configuration -----------------------------------------------------------------------------


@pytest.fixture
def embedded(tmp_path: Path) -> Layout:
    """The embedded default alone, where the database does not matter."""
    return Layout(LAYOUTS[0], f"sqlite:///{tmp_path}/host.db", f"sqlite:///{tmp_path}/agegate.db", tmp_path)


@pytest.mark.parametrize("absolute", [True, False])
def test_the_file_is_named_in_the_configuration(embedded: Layout, absolute: bool) -> None:
    file = write(embedded.folder / "countries.mmdb", NETWORKS)
    write_config(embedded, DESCRIPTION, gate=f'ip_database = "{file if absolute else file.name}"')
    gate = AgeGate.from_config(embedded.folder / "agegate.toml")
    decision = gate.check(Registration(birth_date="1990", country="US", ip=GERMAN), now=NOW)
    assert decision.limit is not None
    assert decision.limit.jurisdiction == "DE"


@pytest.mark.parametrize("spoil", [missing, text, cut_short])
def test_a_gate_does_not_open_on_a_file_that_cannot_be_used(
    embedded: Layout,
    countries: Path,
    spoil: Callable[[Path, bytes], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(embedded.folder / "spoilt.mmdb", countries.read_bytes())
    write_config(embedded, DESCRIPTION, gate='ip_database = "spoilt.mmdb"')
    with pytest.raises(ConfigError, match=r"spoilt\.mmdb"):
        AgeGate.from_config(embedded.folder / "agegate.toml")
    monkeypatch.setattr(
        sys,
        "argv",
        ["agegate", "check", "--birth-date", "1990", "--config", str(embedded.folder / "agegate.toml")],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code not in {0, None}
    shown = capsys.readouterr()
    assert "gate.ip_database" in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) == 1


# --- kept nowhere ---------------------------------------------------------------------------------------


def every_row(layout: Layout) -> str:
    """All that lies in the host's and agegate's databases, as text."""
    found = []
    for url in {layout.host, layout.store}:
        engine = layout.engine(url)
        with engine.connect() as connection:
            schemas = ["public", "agegate"] if url.startswith("postgresql") else [None]
            for schema in schemas:
                for name in sa.inspect(connection).get_table_names(schema=schema):
                    table = f"{schema}.{name}" if schema else name
                    found += [repr(tuple(row)) for row in connection.execute(sa.text(f"SELECT * FROM {table}"))]
        engine.dispose()
    return "\n".join(found)


def traces(address: str) -> list[str]:
    """The forms in which an address could have been kept."""
    found = ipaddress.ip_address(address)
    return [address, found.exploded, str(int(found)), found.packed.hex(), found.reverse_pointer]


@pytest.mark.parametrize("address", [GERMAN, GERMAN_6])
def test_an_address_is_kept_nowhere(
    layout: Layout, address: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(layout.folder / "countries.mmdb", NETWORKS)
    write_config(layout, DESCRIPTION, gate='ip_database = "countries.mmdb"')
    gate = AgeGate.from_config(layout.folder / "agegate.toml")
    said = []
    for number, born in enumerate(("2011-04-17", "1984-04-17", "soon")):
        registration = Registration(
            birth_date=born, country="US", ip=address, email=f"wren{number}@example.org", device=f"d-{number}"
        )
        decision = gate.check(registration, now=NOW)
        standing = gate.check_existing(str(number), registration, created_on=TODAY, now=NOW)
        said += [repr(registration), repr(decision), repr(standing)]
        assert decision.outcome is (Outcome.REFUSE, Outcome.ADMIT, Outcome.INVALID)[number]
    kept = every_row(layout)
    assert "signup.refused" in kept, "the address did decide"
    said += [caplog.text, *capsys.readouterr(), repr(gate), kept]
    files = [found for found in layout.folder.rglob("*") if found.is_file() and found != file]
    said += [found.read_bytes().decode("latin-1") for found in files]
    assert [trace for trace in traces(address) if any(trace in text for text in said)] == []
    packed = ipaddress.ip_address(address).packed.decode("latin-1")
    assert not any(packed in text for text in said)
