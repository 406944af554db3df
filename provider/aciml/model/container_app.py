"""What only a service has that runs on Azure Container Apps, and what it cannot have there.

What a container group has too is said in the same words: identities, volumes, probes, tags, subnet, workspace of logs.
Source: the definitions of Microsoft.App 2026-01-01; Microsoft's pages on environments, ingress and quotas.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from ..core.errors import Finding
from ..core.lean import lean
from .declared import Declared
from .shape import Field
from .volume import known_items

CONSUMPTION = "Consumption"
"""The profile that every environment with profiles has: paid by use."""
TIMEOUT = 240
"""Seconds that the ingress waits for an answer. Source: Microsoft, "Ingress in Azure Container Apps"."""
LONGEST_IDLE = 30 * 60
"""Seconds that an environment's own ingress may wait (requestIdleTimeout, 4 to 30 minutes); it needs a profile."""
_ENVIRONMENT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.App/managedEnvironments/[^/]+", re.IGNORECASE
)
_FORM = "/subscriptions/.../resourceGroups/.../providers/Microsoft.App/managedEnvironments/..."
_CERTIFICATE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.App/managedEnvironments/[^/]+"
    r"/(managedC|c)ertificates/[^/]+",
    re.IGNORECASE,
)
# what the service says of a wrong one (ManagedEnvironmentInvalidName): letters, digits and -, a letter first
_COMMON_NAME = 64  # RFC 5280, ub-common-name: the name is the certificate's subject
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]")
# RFC 1123, 2.1: labels of letters, digits and hyphens; at least two of them
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


@lean(frozen=True, kw_only=True)
class WorkloadProfile(Declared):
    """Machines of an environment that apps run on."""

    name: Annotated[str, Field("name of the profile")]
    type: Annotated[str, Field("kind of machine, such as D4 or Consumption")]
    minimum_count: Annotated[int | None, Field("machines that always run", least=0)] = None
    maximum_count: Annotated[int | None, Field("most machines", least=1)] = None


@lean(frozen=True, kw_only=True)
class ContainerApp(Declared):
    """Environment, profile, ingress and domain of a container app."""

    environment: Annotated[
        str | None,
        Field("name or ARM id of the managed environment; one for the resource group's services in the region without"),
    ] = None
    zone_redundant: Annotated[
        bool | None, Field("spread an environment that is made over zones; it needs a subnet", default=False)
    ] = None
    internal: Annotated[
        bool | None, Field("an environment that is made has no public address; it needs a subnet", default=False)
    ] = None
    workload_profiles: Annotated[
        tuple[WorkloadProfile, ...], Field("profiles of an environment that is made, beside Consumption")
    ] = ()
    workload_profile: Annotated[str | None, Field("name of the profile that the app runs on")] = None
    external: Annotated[
        bool | None, Field("who is outside of the environment reaches the app; true if not said", default=True)
    ] = None
    allow_insecure: Annotated[
        bool | None, Field("answer plain HTTP too, instead of leading to HTTPS", default=False)
    ] = None
    custom_domain: Annotated[str | None, Field("host name of your own that leads to the app")] = None
    certificate: Annotated[
        str | None, Field("ARM id, or name in the environment, of the certificate of that host name")
    ] = None
    managed_certificate: Annotated[
        Literal["CNAME", "HTTP", "TXT"] | None,
        Field("have Azure make and renew that certificate: by which record you prove that the host name is yours"),
    ] = None

    @property
    def has_id(self) -> bool:
        """Tell whether the environment is given by its id: then it is somebody's, and never made or changed."""
        return bool(self.environment and self.environment.startswith("/"))


def app_findings(app: ContainerApp, *, subnet: bool, certificate: bool = False) -> Iterator[Finding]:
    """Judge the words of a container app by themselves.

    Args:
        app: as it is declared.
        subnet: whether a subnet is given, or may turn out to be.
        certificate: whether files of a certificate are, which is uploaded then.
    """
    yield from _environment(app, subnet=subnet)
    yield from _profiles(app)
    yield from _domain(app, files=certificate)


def _environment(app: ContainerApp, *, subnet: bool) -> Iterator[Finding]:
    said = app.environment
    if said is not None and app.has_id and not _ENVIRONMENT.fullmatch(said):
        yield app.finding("environment", f'"{said}" is no id of a managed environment; write {_FORM}')
    elif said is not None and not app.has_id and not _NAME.fullmatch(said):
        form = "use 2 to 60 letters, digits and -, a letter first and no - last"
        yield app.finding("environment", f'"{said}" is no name of a managed environment; {form}, or write its id')
    for name in ("zone_redundant", "internal"):
        if not getattr(app, name):
            continue
        if app.has_id:
            why = f"{app.at(name)} is said of an environment that is made, and this one is given by its id"
            yield app.finding(name, f"{why}; drop it")
        elif not subnet:
            # Microsoft, "Reliability in Azure Container Apps": zone redundancy needs a network of one's own
            yield app.finding(name, f"{app.at(name)} needs a subnet; give subnetId, or drop it")
    if app.workload_profiles and app.has_id:
        why = "workload profiles are those of an environment that is made, and this one is given by its id"
        yield app.finding("workload_profiles", f"{why}; drop them, and name one by workloadProfile")


def _profiles(app: ContainerApp) -> Iterator[Finding]:
    names = {CONSUMPTION}
    for one in known_items(app.workload_profiles):
        if one.name is not None:
            if one.name in names:
                why = "is there without saying" if one.name == CONSUMPTION else "is there twice"
                yield one.finding("name", f'the profile "{one.name}" {why}; drop it')
            names.add(one.name)
        least, most = one.minimum_count, one.maximum_count
        if least is not None and most is not None and most < least:
            yield one.finding("maximum_count", f"maximumCount {most} is less than minimumCount {least}; write {least}")
    said = app.workload_profile
    # of an environment that exists only it knows which profiles it has; creation asks
    if said and app.workload_profiles and said not in names and not app.has_id:
        yield app.finding("workload_profile", f'there is no profile "{said}"; there are {", ".join(sorted(names))}')


def _domain(app: ContainerApp, *, files: bool) -> Iterator[Finding]:
    domain, certificate = app.custom_domain, app.certificate
    if domain is not None and not _DOMAIN.fullmatch(domain):
        yield app.finding("custom_domain", f'"{domain}" is no host name; write one such as score.example.com')
    if certificate is not None and certificate.startswith("/") and not _CERTIFICATE.fullmatch(certificate):
        form = f"write {_FORM}/certificates/..., or its name there"
        yield app.finding("certificate", f'"{certificate}" is no id of a certificate; {form}')
    managed = app.managed_certificate or app.is_unsure("managed_certificate")
    if domain and not certificate and not files and not managed and not app.is_unsure("certificate"):
        why = "a host name of your own needs its certificate, or clients are told that the name is wrong"
        advice = "give its files by tls, name one of the environment here, or let Azure make it by managedCertificate"
        yield app.finding("certificate", f"{why}; {advice}")
    yield from _managed(app, files=files)
    if certificate and not domain and not app.is_unsure("custom_domain"):
        yield app.finding("certificate", "a certificate is that of customDomain, which is missing; give it, or drop it")


def _managed(app: ContainerApp, *, files: bool) -> Iterator[Finding]:
    """Judge a certificate that Azure makes.

    Source: Microsoft, "Custom domain names and free managed certificates in Azure Container Apps".
    """
    if not app.managed_certificate:
        return
    if not app.custom_domain and not app.is_unsure("custom_domain"):
        why = "the certificate that Azure makes is that of customDomain, which is missing"
        yield app.finding("managed_certificate", f"{why}; give it, or drop managedCertificate")
    if app.certificate or files:
        given = "given by tls" if files else "named by certificate"
        yield app.finding("managed_certificate", f"the certificate is {given}, too; drop one of the two")
    if app.external is False or app.internal:
        name = "external" if app.external is False else "internal"
        why = "Azure's authority asks the app from outside when it makes a certificate, and when it renews it"
        yield app.finding("managed_certificate", f"{why}; drop {app.at(name)}, or give a certificate of your own")
    if app.custom_domain and len(app.custom_domain) > _COMMON_NAME:
        why = f"{app.custom_domain} has {len(app.custom_domain)} characters, and Azure makes certificates of 64 at most"
        yield app.finding("custom_domain", f"{why}; give a certificate of your own")
