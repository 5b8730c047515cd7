"""What a person gave at sign-up, checked field by field. No message ever repeats a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeVar

from agegate.birthdate import BirthDate
from agegate.errors import BirthDateError
from agegate.law import COUNTRIES, locale_country, parse_country, parse_region, slip_hint
from agegate.law.residence import residence
from agegate.law.zones import zone_country
from agegate.model import LEARNER, PAYERS, AgeSignal, FieldError, Registration, Residence, SignalState
from agegate.signup.addresses import Addresses
from agegate.signup.contacts import LONGEST, canonical_email, canonical_phone, phone_number

T = TypeVar("T")

NOWHERE: Final = frozenset({"", "-", "XX", "ZZ", "T1", "A1", "A2", "AP", "EU", "O1"})
"""What look-ups of addresses answer for one that has no country, for the Tor network, for proxies and for
whole continents: no answer, which the person could not mend."""

NO_BIRTH_DATE: Final = FieldError("birth_date", "missing", "give the date of birth")
NO_SIGNALS: Final = FieldError(
    "age_signals", "invalid", "age_signals must be a tuple of AgeSignal; agegate.signup.age_signals reads them"
)
NO_CONTACT: Final = FieldError("email", "missing", "give an e-mail address or a phone number")
NO_PLACE: Final = FieldError("country", "missing", "say in which country you live")


@dataclass(frozen=True, slots=True)
class Checked:
    """A registration's fields in canonical form; what could not be read is in `errors`.

    `birth_date` is the declared one alone. `signals` are those that share an age; what they change about it
    is for `decide`, which knows the day. A declined or unknown one says nothing.
    """

    birth_date: BirthDate | None = field(repr=False)
    residence: Residence
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    device: str | None = field(repr=False)
    errors: tuple[FieldError, ...]
    signals: tuple[AgeSignal, ...] = ()


def check_fields(registration: Registration, today: date, addresses: Addresses | None = None) -> Checked:
    """Check every field that the decision needs; all errors are found at once, none is raised.

    `addresses` looks up the country of `registration.ip`; without it that field says nothing.
    """
    errors: list[FieldError] = []
    birth_date = _birth_date(registration.birth_date, today, errors)
    country = _country("country", registration.country, errors)
    billing = _country("billing_country", registration.billing_country, errors)
    region = _region(registration.region, country or billing, errors)
    payer = _payer(registration.payer, errors)
    own_billing = billing if payer in {None, LEARNER} else None
    email = _read("email", registration.email, canonical_email, errors)
    near = country or own_billing
    phone = _read("phone", registration.phone, lambda text: phone_number(text, near), errors)
    where = residence(
        billing=billing,
        payer=payer,
        country=country,
        region=region,
        phone_region=parse_country(phone[1]) if phone else None,
        ip_country=_ip_country(registration, addresses, errors),
        locale_country=locale_country(registration.locale),
        zone_country=zone_country(registration.time_zone) if registration.time_zone else None,
        seen_on=today,
    )
    if not where.places and not any(error.field in {"country", "billing_country"} for error in errors):
        errors.append(NO_PLACE)
    signals = _signals(registration.age_signals, errors)
    return Checked(
        birth_date=birth_date,
        residence=where,
        email=email,
        phone=canonical_phone(phone[0]) if phone else None,
        device=_device(registration.device, errors),
        errors=tuple(errors),
        signals=signals,
    )


def _signals(value: object, errors: list[FieldError]) -> tuple[AgeSignal, ...]:
    if value is None or (isinstance(value, tuple) and not value):
        return ()
    given = tuple(value) if isinstance(value, tuple | list) else (value,)
    found = tuple(signal for signal in given if isinstance(signal, AgeSignal))
    if len(found) < len(given):
        errors.append(NO_SIGNALS)
    return tuple(signal for signal in found if signal.state is SignalState.SHARED)


def _ip_country(
    registration: Registration, addresses: Addresses | None, errors: list[FieldError]
) -> str | None:
    """What the host looked up, or else the gate's own database."""
    looked_up = registration.ip_country
    if isinstance(looked_up, str) and looked_up.strip().upper() in NOWHERE:
        looked_up = None
    if looked_up:
        return _country("ip_country", looked_up, errors)
    if addresses is not None and isinstance(registration.ip, str):
        return addresses.country(registration.ip)
    return None


def _payer(value: object, errors: list[FieldError]) -> str | None:
    if value is None or value == "" or value in PAYERS:
        return str(value) if value else None
    errors.append(FieldError("payer", "invalid", f"payer must be one of {', '.join(PAYERS)}"))
    return None


def _birth_date(value: object, today: date, errors: list[FieldError]) -> BirthDate | None:
    if value is None or value == "":
        errors.append(NO_BIRTH_DATE)
        return None
    try:
        if isinstance(value, BirthDate):
            return value.checked(today)
        if isinstance(value, datetime):
            return BirthDate.on(value.date()).checked(today)
        if isinstance(value, date):
            return BirthDate.on(value).checked(today)
        if isinstance(value, str) and len(value) <= LONGEST:
            return BirthDate.parse(value).checked(today)
    except BirthDateError as error:
        errors.append(FieldError("birth_date", "not_a_birth_date", str(error)))
        return None
    errors.append(FieldError("birth_date", "not_a_birth_date", "write YYYY-MM-DD, YYYY-MM or YYYY"))
    return None


def _read(name: str, value: object, parse: Callable[[str], T], errors: list[FieldError]) -> T | None:
    """An optional text field through its parser, whose `ValueError` becomes the field's error."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= LONGEST:
        try:
            return parse(value)
        except ValueError as error:
            errors.append(FieldError(name, "invalid", str(error)))
            return None
    errors.append(FieldError(name, "invalid", f"{name} must be a text of at most {LONGEST} characters"))
    return None


def _device(value: object, errors: list[FieldError]) -> str | None:
    """The host's own id of a device, of any length. What is no text cannot remember a refusal."""
    if isinstance(value, str | None):
        return value or None
    errors.append(FieldError("device", "invalid", "device must be a text"))
    return None


def _country(name: str, value: object, errors: list[FieldError]) -> str | None:
    if value is None or (isinstance(value, str) and value in COUNTRIES):  # as forms send it
        return value

    def parse(text: str) -> str:
        if code := parse_country(text):
            return code
        raise ValueError(f"{name} is no ISO 3166-1 alpha-2 code; {slip_hint(text)}")

    return _read(name, value, parse, errors)


def _region(value: object, country: str | None, errors: list[FieldError]) -> str | None:
    def parse(text: str) -> str:
        code = parse_region(text, country) if country else None
        if code is None:
            raise ValueError("region must be an ISO 3166-2 code of the given country, such as US-CA or CA")
        return code

    return _read("region", value, parse, errors)
