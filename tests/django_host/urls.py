"""The page's routes, and routes that do what a careless host might."""

from __future__ import annotations

import importlib
import os

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from agegate.errors import BusyError, NotAdmittedError
from agegate.frameworks.django import AgeGateFormMixin, Refused, acheck, admitting, check, read_body


@csrf_exempt
def ungated(request: HttpRequest) -> HttpResponse:
    """Creates an account and asks nobody."""
    try:
        User.objects.create_user(request.POST["username"], request.POST["email"])
    except NotAdmittedError as error:
        return HttpResponse(str(error), status=500)
    return HttpResponse("made", status=201)


@csrf_exempt
def checked(request: HttpRequest) -> HttpResponse:
    """Asks without a form, and tries to use the admission twice."""
    posted = read_body(request)
    decision = check(request, posted)
    email = str(posted["email"])
    with admitting(decision, email=email):
        User.objects.create_user(email, email)
    try:
        with admitting(decision, email=email):
            User.objects.create_user(f"{email}2", email)
    except NotAdmittedError:
        return JsonResponse({"again": False}, status=201)
    return JsonResponse({"again": True}, status=201)


@csrf_exempt
async def acheckd(request: HttpRequest) -> HttpResponse:
    """The same in a coroutine."""
    posted = read_body(request)
    decision = await acheck(request, posted)
    email = str(posted["email"])
    async with admitting(decision, email=email):
        await User.objects.acreate_user(email, email)
    try:
        await User.objects.acreate_user(f"{email}2", email)
    except NotAdmittedError:
        return JsonResponse({"again": False}, status=201)
    return JsonResponse({"again": True}, status=201)


@csrf_exempt
def broken(request: HttpRequest) -> HttpResponse:
    """Fails with what was posted in its variables."""
    posted = dict(read_body(request).items())
    raise RuntimeError(f"broken after {len(posted)} fields")


@csrf_exempt
def atomic(request: HttpRequest) -> HttpResponse:
    """Asks inside a transaction."""
    posted = read_body(request)
    try:
        with transaction.atomic():
            check(request, posted)
    except BusyError as error:
        return HttpResponse(str(error), status=500)
    return HttpResponse("asked")


def begun(request: HttpRequest) -> HttpResponse:
    """Leaves something of an unfinished sign-up in the session."""
    request.session["begun"] = request.GET["name"]
    return HttpResponse("begun")


class CarelessForm(AgeGateFormMixin):
    """Forgets the mixin's `clean`."""

    email = forms.EmailField()

    def clean(self) -> dict[str, object]:
        """Nothing."""
        return dict(self.cleaned_data)


@csrf_exempt
def careless(request: HttpRequest) -> HttpResponse:
    """Uses a form that forgets to ask, and catches what it should not."""
    form = CarelessForm(read_body(request))
    try:
        is_valid = form.is_valid()
    except Refused:
        if form.is_valid():
            return HttpResponse("a refused form is valid", status=201)
        raise
    if not is_valid:
        return JsonResponse(form.errors, status=422)
    with form.admitting():
        User.objects.create_user(form.cleaned_data["email"], form.cleaned_data["email"])
    return JsonResponse({"kept": sorted(form.cleaned_data)}, status=201)


class PhoneForm(AgeGateFormMixin):
    """An account is known by its phone number."""

    number = forms.CharField(max_length=100)
    phone_field = "number"


@csrf_exempt
def by_phone(request: HttpRequest) -> HttpResponse:
    """Keeps the number in the column that the setting `PHONE` names."""
    form = PhoneForm(read_body(request))
    if not form.is_valid():
        return JsonResponse(form.errors, status=422)
    number = form.cleaned_data["number"]
    with form.admitting():
        try:
            User.objects.create(username="other", last_name="+1 201 555 0199")
        except NotAdmittedError:
            User.objects.create(username=number, last_name=number)
    return HttpResponse("made", status=201)


class InstalledForm(AgeGateFormMixin):
    """Knows the app's installation."""

    email = forms.EmailField()

    def known(self, request: HttpRequest) -> dict[str, object]:
        """The id of the installation, too."""
        return {**super().known(request), "device": request.headers.get("X-Installation")}


@csrf_exempt
def by_device(request: HttpRequest) -> HttpResponse:
    """Hands the id of an installation in, by a form or without one."""
    posted = read_body(request)
    if "form" not in request.GET:
        check(request, posted, device=request.headers.get("X-Installation"))
    elif not InstalledForm(posted).is_valid():
        return HttpResponse("wrong", status=422)
    return HttpResponse("admitted", status=201)


urlpatterns = [
    path("own/device", by_device),
    path("own/careless", careless),
    path("own/phone", by_phone),
    path("own/ungated", ungated),
    path("own/checked", checked),
    path("own/acheckd", acheckd),
    path("own/broken", broken),
    path("own/atomic", atomic),
    path("own/begun", begun),
    path("", include(importlib.import_module(os.environ["PAGE_SETTINGS"]).ROOT_URLCONF)),
]
