"""The SDK's server for components, which loads the SDK; the plugin asks for it when it is to make the first one."""

from __future__ import annotations

from typing import Any

from pulumi import ResourceOptions
from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import ConstructRequest, ConstructResponse, Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto

from . import __version__
from .construct import construct
from .construct_options import complete_outputs, construct_options
from .wrong_arguments import WrongArguments

__all__ = ["ComponentServicer", "complete_outputs"]


class _Components(Provider):
    """All that the SDK's server asks of a provider when it makes a component."""

    async def construct(self, request: ConstructRequest) -> ConstructResponse:
        """Make a component; its children come back to this plugin meanwhile."""
        return await construct(request)


class ComponentServicer(ProviderServicer):
    """Answers ``Construct``, with all options handed on; ``servicer`` answers all else."""

    def __init__(self, engine: str) -> None:
        """Register components with the engine at this address."""
        super().__init__([], __version__, _Components(), engine)

    async def make(self, request: Any) -> proto.ConstructResponse:
        """Make a component and answer with its urn and outputs.

        Raises:
            WrongArguments: each is named by its path, in the caller's spelling.
            UserError: there is no such component.
        """
        try:
            return await self._construct(request, None)
        except InputPropertiesError as error:
            raise WrongArguments([(one["property_path"], one["reason"]) for one in error.errors or ()]) from error

    @staticmethod
    def _construct_options(request: Any) -> ResourceOptions:
        """Hand all options on to the component; the SDK's server knows five of them."""
        return construct_options(request)

    def _construct_response(self, result: ConstructResponse) -> proto.ConstructResponse:
        """Answer with plain values and, beside them, what they depend on."""
        depends = {
            name: proto.ConstructResponse.PropertyDependencies(urns=sorted(urns))
            for name, urns in result.state_dependencies.items()
        }
        state = PropertyValue.marshal_map(result.state)
        return proto.ConstructResponse(urn=result.urn, state=state, stateDependencies=depends)
