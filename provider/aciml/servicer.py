"""The gaps of ``pulumi.provider.experimental`` 3.272, mended once.

The SDK wraps every error in a traceback, cannot report a resource that exists but is not ready, drops the old inputs
of diff, update and delete, and crashes on a detailed diff of the configuration. This servicer answers those calls.
Source: the SDK's ``server.py``; ``provider.proto`` (``ErrorResourceInitFailed``); the engine's ``provider_plugin.go``.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import grpc
from google.protobuf import empty_pb2
from pulumi import ResourceOptions
from pulumi.errors import InputPropertiesError
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import ConfigureRequest, ConstructResponse, Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime.proto import status_pb2

from .blobs.room import full_disk, is_full
from .construct_options import complete_outputs, construct_options
from .core.errors import AcimlError
from .enginelog import EngineLog
from .list_items import changed_items
from .model.config import moved_between
from .properties import Secret, Values, decode, encode, is_unknown, reveal
from .resources.protocol import Changes, Checked, Existing, InitFailed
from .settings import Settings

_FAILED = grpc.StatusCode.FAILED_PRECONDITION  # the engine takes Unknown and Internal for a state it cannot trust
_KINDS = {
    ("update", True, True): proto.PropertyDiff.UPDATE,
    ("update", False, True): proto.PropertyDiff.ADD,
    ("update", True, False): proto.PropertyDiff.DELETE,
    ("replace", True, True): proto.PropertyDiff.UPDATE_REPLACE,
    ("replace", False, True): proto.PropertyDiff.ADD_REPLACE,
    ("replace", True, False): proto.PropertyDiff.DELETE_REPLACE,
}
_REPLACING = (proto.PropertyDiff.ADD_REPLACE, proto.PropertyDiff.DELETE_REPLACE, proto.PropertyDiff.UPDATE_REPLACE)
Answer = TypeVar("Answer")


class Life(Protocol):
    """What the servicer asks about resources, in plain values; ``plugin.Plugin`` answers."""

    def words(self, urn: str, text: str) -> str:
        """Return a message about a resource in the words of who declared it."""

    def without_secrets(self, text: str) -> str:
        """Return a text that has none of the secrets that were met."""

    async def life_check(self, urn: str, old: Values | None, new: Values) -> Checked:
        """Judge inputs."""

    async def life_diff(self, urn: str, old: Values, state: Values, new: Values) -> Changes:
        """Compare inputs."""

    async def life_create(self, urn: str, inputs: Values, *, preview: bool, seconds: float) -> Existing:
        """Make a resource within ``seconds`` (0: nothing was said), here and below."""

    async def life_update(self, urn: str, old: Existing, inputs: Values, *, preview: bool, seconds: float) -> Values:
        """Change a resource."""

    async def life_read(self, urn: str, known: Existing) -> Existing | None:
        """Look at a resource."""

    async def life_delete(self, urn: str, known: Existing, *, seconds: float) -> None:
        """Remove a resource."""


def plain_errors(
    rpc: Callable[[MendedServicer, Any, Any], Awaitable[Answer]],
) -> Callable[[MendedServicer, Any, Any], Awaitable[Answer]]:
    """Turn what an RPC raises into one message for the user; the traceback goes to the debug log."""

    async def answer(self: MendedServicer, request: Any, context: Any) -> Answer:
        try:
            return await rpc(self, request, context)
        except InputPropertiesError:
            # carries the paths of components' arguments, for which the SDK has a status of its own
            raise
        except InitFailed as error:
            # before AcimlError, whose kind it is: the engine has to keep what exists
            self.tell_trace(request)
            await context.abort_with_status(init_failed(error, self.in_words(request, error)))
        except AcimlError as error:
            self.tell_trace(request)
            await context.abort(_FAILED, self.in_words(request, error))
        except Exception as error:  # noqa: BLE001  (the last line before the user)
            # nothing may reach gRPC: it answers UNKNOWN then, and the engine distrusts its state
            self.tell_trace(request)
            await context.abort(_FAILED, self._life.without_secrets(_bug(error)))
        raise AssertionError  # abort always raises

    return answer


def _bug(error: Exception) -> str:
    if is_full(error):
        return str(full_disk(Path(getattr(error, "filename", None) or Settings.read().cache)))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return f"unexpected {type(error).__name__} at {where}: {error}; a fault of aciml, the trace is shown with --debug"


def init_failed(error: InitFailed, words: str) -> grpc.Status:
    """Build the status by which the engine saves a resource together with the reason why it is not ready."""
    detail = errors_detail(error, words)
    # an interface only: gRPC takes any object that has its three fields
    status = cast("Any", grpc.Status)()
    status.code, status.details = _FAILED, words
    packed = status_pb2.Status(code=_FAILED.value[0], message=words)
    packed.details.add().Pack(detail)
    # where gRPC carries google.rpc.Status; names that end in -bin are bytes
    status.trailing_metadata = (("grpc-status-details-bin", packed.SerializeToString()),)
    return cast("grpc.Status", status)


def errors_detail(error: InitFailed, words: str) -> Any:
    """Return the ``ErrorResourceInitFailed`` message of the error."""
    return proto.provider_pb2.ErrorResourceInitFailed(
        id=error.existing.id,
        properties=PropertyValue.marshal_map(encode(error.existing.state)),
        inputs=PropertyValue.marshal_map(encode(error.existing.inputs)),
        reasons=[words],
    )


def _plain(struct: Any) -> Values:
    return decode(PropertyValue.unmarshal_map(struct))


class MendedServicer(ProviderServicer):
    """Answers Check, Diff, Create, Update, Read, Delete and DiffConfig itself; the SDK answers the rest."""

    def __init__(self, args: list[str], version: str, provider: Provider, engine_address: str, log: EngineLog) -> None:
        """Serve ``provider``, which must also be a ``Life``."""
        super().__init__(args, version, provider, engine_address)
        self.log = log
        self._life = cast("Life", provider)

    def tell_trace(self, request: Any) -> None:
        """Tell those who debug where the error that is being handled comes from; its text may have what was given."""
        self.log.debug(getattr(request, "urn", ""), self._life.without_secrets(traceback.format_exc()))

    def in_words(self, request: Any, error: Exception) -> str:
        """Return what an error says, in the words of who declared the resource that the request is about."""
        return self._life.words(getattr(request, "urn", ""), str(error))

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer with the component's urn and outputs; what is wrong in its arguments is named by path."""
        try:
            return await self._answer_construct(request, context)
        except InputPropertiesError as error:
            status = self.create_grpc_invalid_properties_status(error.message, error.errors)
            await context.abort_with_status(status)
            raise

    @plain_errors
    async def _answer_construct(self, request: Any, context: Any) -> Any:
        # before the SDK decodes: it crashes on an output value that lacks a field
        for value in request.inputs.fields.values():
            complete_outputs(value)
        return await self._construct(request, context)

    @staticmethod
    def _construct_options(request: Any) -> ResourceOptions:
        """Hand all options on to the component; the SDK's server knows five of them."""
        return construct_options(request)

    def _construct_response(self, result: ConstructResponse) -> Any:
        """Answer with plain values and, beside them, what they depend on."""
        depends = {
            name: proto.ConstructResponse.PropertyDependencies(urns=sorted(urns))
            for name, urns in result.state_dependencies.items()
        }
        state = PropertyValue.marshal_map(result.state)
        return proto.ConstructResponse(urn=result.urn, state=state, stateDependencies=depends)

    @plain_errors
    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  (name given by gRPC)
        """Answer with inputs, failures, or both."""
        # on create the engine sends an empty map, which is no old resource
        old = _plain(request.olds) if request.HasField("olds") and request.olds.fields else None
        checked = await self._life.life_check(request.urn, old, _plain(request.news))
        failures = [proto.CheckFailure(property=f.where, reason=f.why) for f in checked.findings]
        return proto.CheckResponse(inputs=PropertyValue.marshal_map(encode(checked.inputs)), failures=failures)

    @plain_errors
    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the paths that differ, and no others."""
        # inputs with inputs: `olds` are the outputs of before, with much in them that `check` never sees
        old, new = _plain(request.old_inputs), _plain(request.news)
        changes = await self._life.life_diff(request.urn, old, _plain(request.olds), new)
        # the engine has put the old inputs in their places; what `check` has filled may differ all the same
        ignored = set(request.ignoreChanges)
        detail = {
            item: diff
            for path, action in changes.detail.items()
            if path.partition("[")[0] not in ignored and path not in ignored
            for item, diff in _property_diffs(action, old, new, path)
        }
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if detail else proto.DiffResponse.DIFF_NONE,
            # names of properties, where `detailedDiff` has paths: the CLI's short line `[diff: ~packages]` drops others
            replaces=list(dict.fromkeys(name_in(path) for path, diff in detail.items() if diff.kind in _REPLACING)),
            diffs=list(dict.fromkeys(map(name_in, detail))),
            detailedDiff=detail,
            # without it the engine compares inputs by itself, and shows
            # paths, which are no difference (decisions/plugin.md)
            hasDetailedDiff=True,
            deleteBeforeReplace=changes.delete_first,
        )

    @plain_errors
    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with id and outputs."""
        made = await self._life.life_create(
            request.urn, _plain(request.properties), preview=request.preview, seconds=request.timeout
        )
        return proto.CreateResponse(id=made.id, properties=PropertyValue.marshal_map(encode(made.state)))

    @plain_errors
    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with outputs."""
        old = Existing(request.id, _plain(request.olds), _plain(request.old_inputs))
        state = await self._life.life_update(
            request.urn, old, _plain(request.news), preview=request.preview, seconds=request.timeout
        )
        return proto.UpdateResponse(properties=PropertyValue.marshal_map(encode(state)))

    @plain_errors
    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the resource as it is; an empty id says that it is gone."""
        known = Existing(request.id, _plain(request.properties), _plain(request.inputs))
        seen = await self._life.life_read(request.urn, known)
        if seen is None:
            # an empty id is how a provider says "gone" (Pulumi, "Implementer's guide")
            return proto.ReadResponse(id="")
        return proto.ReadResponse(
            id=seen.id,
            properties=PropertyValue.marshal_map(encode(seen.state)),
            inputs=PropertyValue.marshal_map(encode(seen.inputs)),
        )

    @plain_errors
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Remove the resource."""
        known = Existing(request.id, _plain(request.properties), _plain(request.old_inputs))
        await self._life.life_delete(request.urn, known, seconds=request.timeout)
        return empty_pb2.Empty()

    @plain_errors
    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Hand the configuration over; output values are declined, since the SDK cannot read all of them."""
        asked = ConfigureRequest(
            dict(request.variables),
            PropertyValue.unmarshal_map(request.args),
            request.acceptSecrets,
            request.acceptResources,
        )
        await self._provider.configure(asked)
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @plain_errors
    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Another target, subscription or cloud cannot manage what this one made: replace. All else is an update.

        Without a difference the engine would go on with the provider that it has configured from the state, and a new
        client secret would be used by the run after this one. What is not known yet may be what it was.
        """
        old, new = reveal(_plain(request.old_inputs)), reveal(_plain(request.news))
        differing = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        # a provider that is replaced takes all of its resources along
        moved = [key for key in moved_between(old, new) if not is_unknown(new.get(key))]
        changes = proto.DiffResponse.DIFF_SOME if differing else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, replaces=moved, diffs=differing)


def _property_diffs(action: str, old: Values, new: Values, path: str) -> Iterator[tuple[str, Any]]:
    """Give the paths that show a difference: of a list one for each item that comes, goes or is another."""
    before, after = (_value_at(values, path) for values in (old, new))
    if isinstance(before, list) and isinstance(after, list) and not is_unknown(before) and not is_unknown(after):
        items = changed_items(before, after)
        for index, change in sorted(items.items()):
            there = {"added": (False, True), "removed": (True, False), "changed": (True, True)}[change]
            yield f"{path}[{index}]", proto.PropertyDiff(kind=_KINDS[(action, *there)], inputDiff=True)
        if items:
            return
    yield path, _property_diff(action, old, new, path)


def _value_at(values: Values, path: str) -> Any:
    """Return what is at ``name`` or ``name["key"]``, without secret wrappers; None if nothing is."""
    name, _, rest = path.partition("[")
    value = values.get(name)
    if rest and isinstance(inner := reveal(value), dict):
        value = inner.get(rest.rstrip("]").strip('"'))
    # a list that is secret as a whole has no items for the engine
    return None if isinstance(value, Secret) else reveal(value)


def _property_diff(action: str, old: Values, new: Values, path: str) -> Any:
    before, after = path_in(old, path), path_in(new, path)
    if not before and not after:  # an output that is not as it should be, such as a stopped service
        return proto.PropertyDiff(kind=proto.PropertyDiff.UPDATE, inputDiff=False)
    return proto.PropertyDiff(kind=_KINDS[action, before, after], inputDiff=True)


def name_in(path: str) -> str:
    """Return the property that a path is about."""
    return path.partition("[")[0]


def path_in(values: Values, path: str) -> bool:
    """Tell whether ``name`` or ``name["key"]`` is there."""
    name, _, rest = path.partition("[")
    if not rest:
        return name in values
    inner = reveal(values.get(name))
    key = rest.rstrip("]").strip('"')
    if isinstance(inner, list):
        return int(key) < len(inner)
    return isinstance(inner, dict) and key in inner
