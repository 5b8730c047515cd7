"""The rulebook: every dated, cited minimum age, and the limit that follows from them for a place and a day.

A file of `rules/` is one country with its subdivisions; `docs/law.md` says how to read and change one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agegate.errors import ConfigError, LawError
from agegate.law.codes import COUNTRIES, is_subdivision, slip_hint
from agegate.law.reading import EU, SHAPE, Country, Follows, read_folder
from agegate.model import Limit, Residence, Rule, Service

SHIPPED: Final = Path(__file__).parent / "rules"
"""The rule files that come with agegate."""

CONFIDENCES: Final = ("low", "medium", "high")

_EVERY_SERVICE: Final = frozenset({"general"})


class Rulebook:
    """All rules, by jurisdiction. Immutable; make one with `Rulebook.load()`."""

    __slots__ = ("_consents", "_countries", "_known", "_narrow", "_own", "_researched", "_wide")

    def __init__(self, countries: Iterable[Country]) -> None:
        by_code = {country.code: country for country in sorted(countries, key=lambda country: country.code)}
        self._countries = MappingProxyType(by_code)
        self._own: dict[str, tuple[Rule, ...]] = dict.fromkeys(by_code, ())
        for rule in self:
            self._own[rule.jurisdiction] = (*self._own.get(rule.jurisdiction, ()), rule)
        # Looked up by every decision: the rules that may set a limit in a place, the strictest first, and
        # for a country also with those of its subdivisions.
        self._narrow = {place: _strictest_first(self.rules(place)) for place in (*self._own, *self.members)}
        self._wide = {code: _strictest_first(self._anywhere(code)) for code in by_code if code != EU}
        # What is only proposed, or only for some kinds of service, does not tell what holds for all.
        self._researched = {
            place for place in (*self._own, *self.members) if any(_tells(rule) for rule in self.rules(place))
        }
        self._consents = {
            code: tuple(
                rule
                for rule in rules
                if rule.jurisdiction[:2] != EU and rule.regime == "data_consent" and rule.gate == "yes"
            )
            for code, rules in self._narrow.items()
        }
        # A service asks about the same places on the same day again and again.
        self._known = lru_cache(maxsize=4096)(self._limit)

    @classmethod
    def load(cls, folder: Path | None = None) -> Rulebook:
        """Read every `*.toml` of a folder; without one, the shipped rules (read once per process).

        Raises `LawError`, naming the file and the rule, at the first thing that cannot be used.
        """
        return _shipped() if folder is None else cls(read_folder(folder))

    def __iter__(self) -> Iterator[Rule]:
        """Every rule, by country and in the order of its file."""
        return (rule for country in self.countries.values() for rule in country.rules)

    @property
    def countries(self) -> Mapping[str, Country]:
        """The researched countries and the pseudo-country `EU`, by code."""
        return self._countries

    @property
    def members(self) -> frozenset[str]:
        """The member states of the European Union."""
        return self.countries[EU].members if EU in self.countries else frozenset()

    def rules(self, jurisdiction: str) -> tuple[Rule, ...]:
        """A jurisdiction's own rules, then those it inherits: its country's, then the EU's for a member.

        A territory has those of its mother country that are for the gate, with the confidence of the
        reference. All of them, whatever their dates and status. Raises `LawError` on what is no
        jurisdiction.
        """
        check_jurisdiction(jurisdiction)
        country = jurisdiction[:2]
        follows = self._follows(country)
        if follows is not None:
            mothers = self.rules(follows.country)
            return tuple(_by_reference(rule, follows) for rule in mothers if rule.gate != "no")
        line = [jurisdiction, country, EU if country in self.members else ""]
        return tuple(rule for place in dict.fromkeys(line) for rule in self._own.get(place, ()))

    def is_researched(self, country: str) -> bool:
        """Whether somebody looked up what holds for services in general in a country."""
        return country in self._researched

    def own(self, jurisdiction: str) -> tuple[Rule, ...]:
        """A jurisdiction's own rules, without those it inherits."""
        return self._own.get(jurisdiction, ())

    def subdivisions(self, country: str) -> tuple[str, ...]:
        """The subdivisions of a country that have rules of their own."""
        return tuple(sorted(place for place in self._own if place.startswith(f"{country}-")))

    def applying(self, jurisdiction: str, *, on: date, service: Service) -> tuple[Rule, ...]:
        """The rules that set a limit at the door of a service in a place on a day, the strictest first.

        Raises `LawError` on what is no jurisdiction.
        """
        country = jurisdiction[:2]
        candidates = self._narrow.get(jurisdiction)
        if candidates is None:
            check_jurisdiction(jurisdiction)
            candidates = self._narrow.get(country, ())
        return tuple(
            rule
            for rule in candidates
            if _sets_a_limit(rule, on, service) and not self._displaced(rule, country, on, service)
        )

    def limit(self, jurisdiction: str, *, on: date, service: Service, created_on: date | None = None) -> Limit:
        """The strictest of the service's own terms and the rules that set a limit in a place on a day.

        At the door a country of unknown region is read as its strictest subdivision, which the limit then
        names, and the consent age of the service's establishment holds, too.

        `created_on` asks instead for what an account made on that day may be acted on by: nothing is
        guessed, and a rule counts only if it `may_act` and reaches the account.

        Raises `LawError` on what is no jurisdiction.
        """
        return self._known(jurisdiction, on, service, created_on)

    def _limit(self, jurisdiction: str, on: date, service: Service, created_on: date | None) -> Limit:
        found = self._by_law(jurisdiction, on, service, created_on)
        if service.established_in and created_on is None:
            found = max(found, self._at_home(on, service), key=_by_strictness)
        if service.stricter:
            found = self._with_own(found, jurisdiction, on, service, created_on)
        return found

    def strictest(
        self, residence: Residence, *, on: date, service: Service, created_on: date | None = None
    ) -> Limit:
        """The highest limit of all places where a person may live; the first place's where they are equal.

        Raises `LawError` where there is no place.
        """
        places = [place.jurisdiction for place in residence.places]
        if len(places) == 1:
            return self.limit(places[0], on=on, service=service, created_on=created_on)
        return max(self._each(places, on, service, created_on), key=_by_strictness)

    def loosest(
        self, residence: Residence, *, on: date, service: Service, created_on: date | None = None
    ) -> Limit:
        """The lowest limit of all durable places: what holds wherever the person turns out to live.

        An IP address does not count, because it can be forged and would lower the limit. Raises `LawError`
        where there is no durable place.
        """
        places = [place.jurisdiction for place in residence.places if place.basis != "ip"]
        return min(self._each(places, on, service, created_on), key=_by_strictness)

    def highest(self, *, on: date, service: Service, created_on: date | None = None) -> Limit:
        """The highest limit of all places: what is attained by who is old enough wherever they live."""
        own = (rule.jurisdiction for rule in service.stricter)
        places = [*(place for place in self._narrow if place != EU), *own]
        return max(self._each(places, on, service, created_on), key=_by_strictness)

    def check(self, service: Service) -> None:
        """See that what a service chose fits the law. Raises `ConfigError` that names the setting.

        An own rule is compared with the law of the day it begins, or that the law was last looked at, so
        that no later law stops a running service.
        """
        if service.established_in and service.established_in not in COUNTRIES:
            raise ConfigError("service.established_in is no country; write an ISO 3166-1 code such as IE")
        for place in sorted(service.policy):
            rules = self.rules(place) if SHAPE.fullmatch(place) and place[:2] in COUNTRIES else ()
            if not any(rule.gate == "policy" and rule.jurisdiction == place for rule in rules):
                raise ConfigError(f"service.policy: there is no guidance to follow for {place}; remove it")
        law_alone = replace(service, stricter=())
        for own in service.stricter:
            place = own.jurisdiction
            if place not in COUNTRIES and not is_subdivision(place):
                raise ConfigError(
                    f"service.stricter {place}: no jurisdiction; write an ISO 3166 code such as DE or CA-QC"
                )
            known = self.countries.get(place[:2])
            day = max(own.start, known.checked) if known else own.start
            law = max(self.applying(place, on=day, service=law_alone), key=_by_strictness, default=None)
            if law is not None and own.age < law.age:
                raise ConfigError(
                    f"service.stricter {place}: {own.age} is looser than the {law.age} of {law.law}; "
                    "raise it or remove it"
                )

    def _follows(self, country: str) -> Follows | None:
        known = self._countries.get(country)
        return known.follows if known else None

    def _each(
        self, places: Collection[str], on: date, service: Service, created_on: date | None
    ) -> list[Limit]:
        if not places:
            raise LawError("residence: no place to take the law of; ask for the country")
        return [self.limit(place, on=on, service=service, created_on=created_on) for place in places]

    def _by_law(self, jurisdiction: str, on: date, service: Service, created_on: date | None) -> Limit:
        country = jurisdiction[:2]
        rules = None if created_on else self._wide.get(jurisdiction)
        if rules is None:
            rules = self._narrow.get(jurisdiction)
        if rules is None:
            check_jurisdiction(jurisdiction)
            rules = self._narrow.get(country, ())
        for rule in rules:
            if rule.strictness < (service.floor, True):
                break
            if not _sets_a_limit(rule, on, service):
                continue
            if rule.jurisdiction == EU and self._displaced(rule, country, on, service, created_on):
                continue
            if created_on is None or (rule.may_act and rule.reaches(created_on, on)):
                place = rule.jurisdiction if rule.jurisdiction.startswith(f"{jurisdiction}-") else jurisdiction
                return Limit(rule.age, place, rule, researched=True)
        return Limit(service.floor, jurisdiction, None, self.is_researched(country))

    def _at_home(self, on: date, service: Service) -> Limit:
        """The consent age of the country where the service is established, or its floor."""
        home = service.established_in or ""
        for rule in self._narrow.get(home, ()):
            consent = rule.regime == "data_consent" and rule.age >= service.floor
            holds = consent and _sets_a_limit(rule, on, service)
            if holds and not self._displaced(rule, home, on, service):
                return Limit(rule.age, home, rule, researched=True)
        return Limit(service.floor, home, None, self.is_researched(home))

    def _with_own(
        self, found: Limit, jurisdiction: str, on: date, service: Service, created_on: date | None
    ) -> Limit:
        """The limit, or the service's own higher one for this place, its country, or at the door a part."""
        for own in service.stricter:
            here = own.jurisdiction in (jurisdiction, jurisdiction[:2])
            within = created_on is None and own.jurisdiction.startswith(f"{jurisdiction}-")
            if (here or within) and own.start <= on and (own.age, True) > found.strictness:
                found = Limit(own.age, own.jurisdiction, None, found.researched, own)
        return found

    def _displaced(
        self, rule: Rule, country: str, on: date, service: Service, created_on: date | None = None
    ) -> bool:
        """Whether an EU default gives way to a member's own consent age (GDPR Art. 8(1), second sentence).

        Only to one that holds for this service and account, and that somebody saw in force: what is merely
        expected never lowers a limit.
        """
        if rule.jurisdiction != EU or rule.regime != "data_consent":
            return False
        return any(
            other.status == "in_force"
            and _sets_a_limit(other, on, service)
            and (created_on is None or other.start is None or other.reaches(created_on, on))
            for other in self._consents.get(country, ())
        )

    def _anywhere(self, country: str) -> tuple[Rule, ...]:
        places = self.subdivisions(country)
        return (*self.rules(country), *(rule for place in places for rule in self._own[place]))


def _tells(rule: Rule) -> bool:
    """Whether a rule says what holds for services in general in its place."""
    return rule.regime == "data_consent" and rule.status != "proposed" and "general" in rule.kinds


def _by_strictness(found: Limit | Rule) -> tuple[int, bool]:
    return found.strictness


def _strictest_first(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that may set a limit, the strictest first; among equals the order stays."""
    return tuple(sorted((rule for rule in rules if rule.gate != "no"), key=_by_strictness, reverse=True))


def _sets_a_limit(rule: Rule, on: date, service: Service) -> bool:
    """Whether a rule sets a limit at the door of a service on a day.

    A rule for services in general is for every kind.
    """
    if rule.kinds.isdisjoint(service.kinds) and rule.kinds.isdisjoint(_EVERY_SERVICE):
        return False
    if not rule.in_force(on):
        return False
    if rule.new_from is not None and on < rule.new_from:
        return False
    if rule.gate == "policy":
        return rule.jurisdiction in service.policy  # chosen by name: stronger than what is said of all
    return rule.basis != "majority" or service.majority_rules == "enforce"


def _by_reference(rule: Rule, follows: Follows) -> Rule:
    """A mother country's rule as it holds in a territory: no surer than the reference is."""
    weaker = min(rule.confidence, follows.confidence, key=CONFIDENCES.index)
    return replace(
        rule,
        confidence=weaker,
        sources=follows.sources,
        unverified=rule.unverified or follows.unverified,
    )


def check_jurisdiction(code: str) -> None:
    """Raise `LawError` on what cannot be a jurisdiction, with the right code where it is a common slip."""
    if not SHAPE.fullmatch(code):
        raise LawError("jurisdiction: not an ISO 3166 code; write one such as DE or CA-QC, in capitals")
    if code != EU and code[:2] not in COUNTRIES:
        raise LawError(f"jurisdiction {code}: not an ISO 3166 code; {slip_hint(code[:2])}")


@cache
def _shipped() -> Rulebook:
    return Rulebook(read_folder(SHIPPED))
