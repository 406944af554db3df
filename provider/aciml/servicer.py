"""The provider's side of the protocol: each call is decoded, answered in plain values, and encoded.

``pulumi.provider.experimental`` 3.272 has a servicer too. It wraps every error in a traceback, cannot report a resource
that exists but is not ready, drops the old inputs of diff, update and delete, crashes on a detailed diff of the
configuration, and loads the whole SDK; only components are left to it, when the first one is to be made.
Source: ``provider.proto`` (``ErrorResourceInitFailed``); the engine's ``provider_plugin.go``; the SDK's ``server.py``.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import grpc
from google.protobuf import empty_pb2

from . import __version__
from .core.errors import AcimlError, Finding
from .enginelog import EngineLog
from .model.config import SECRETS, moved_between
from .properties import Secret, Values, decode, encode, encode_into, is_unknown, reveal
from .protocol import errors_pb2, plugin_pb2, provider_pb2_grpc, status_pb2
from .protocol import provider_pb2 as proto
from .resources.protocol import Changes, Checked, Existing, InitFailed
from .wrong_arguments import WrongArguments

if TYPE_CHECKING:
    from .component_servicer import ComponentServicer

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
    """What the servicer asks about resources, in plain values; ``router.Router`` answers."""

    async def check_config(self, urn: str, new: Values) -> Sequence[Finding]:
        """Name everything that is wrong in the configuration of the provider ``urn``."""

    async def configure(self, config: Values) -> None:
        """Make ready for all that comes after."""

    def cancel(self) -> None:
        """End what is going on, as soon as it may end."""

    def learn_component(self, token: str, name: str, inputs: Values) -> None:
        """Know that a component is made here, for a program in another language."""

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
    rpc: Callable[[Servicer, Any, Any], Awaitable[Answer]],
) -> Callable[[Servicer, Any, Any], Awaitable[Answer]]:
    """Turn what an RPC raises into one message for the user; the traceback goes to the debug log."""

    async def answer(self: Servicer, request: Any, context: Any) -> Answer:
        try:
            return await rpc(self, request, context)
        except WrongArguments as error:
            await context.abort_with_status(wrong_arguments(error))
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
    # here: a preview without a fault has no use for them
    from .blobs.room import full_disk, is_full
    from .settings import Settings

    if is_full(error):
        return str(full_disk(Path(getattr(error, "filename", None) or Settings.read().cache)))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    return f"unexpected {type(error).__name__} at {where}: {error}; a fault of aciml, the trace is shown with --debug"


def init_failed(error: InitFailed, words: str) -> grpc.Status:
    """Build the status by which the engine saves a resource together with the reason why it is not ready."""
    return _status(_FAILED, words, errors_detail(error, words))


def errors_detail(error: InitFailed, words: str) -> Any:
    """Return the ``ErrorResourceInitFailed`` message of the error."""
    return proto.ErrorResourceInitFailed(
        id=error.existing.id,
        properties=encode(error.existing.state),
        inputs=encode(error.existing.inputs),
        reasons=[words],
    )


def wrong_arguments(error: WrongArguments) -> grpc.Status:
    """Build the status by which the engine shows one line for each path, and no sentence of its own."""
    detail = errors_pb2.InputPropertiesError()
    for where, why in error.problems:
        detail.errors.add(property_path=where, reason=why)
    return _status(grpc.StatusCode.INVALID_ARGUMENT, "", detail)


def _status(code: grpc.StatusCode, words: str, detail: Any) -> grpc.Status:
    # an interface only: gRPC takes any object that has its three fields
    status = cast("Any", grpc.Status)()
    status.code, status.details = code, words
    packed = status_pb2.Status(code=code.value[0], message=words)
    packed.details.add().Pack(detail)
    # where gRPC carries google.rpc.Status; names that end in -bin are bytes
    status.trailing_metadata = (("grpc-status-details-bin", packed.SerializeToString()),)
    return cast("grpc.Status", status)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine's calls; those that are not here are answered as not implemented, which it takes."""

    def __init__(self, life: Life, engine: str, log: EngineLog) -> None:
        """Serve ``life``; ``engine`` is the address that components are registered with."""
        self._life, self._engine, self._log = life, engine, log
        self._components: ComponentServicer | None = None

    def tell_trace(self, request: Any) -> None:
        """Tell those who debug where the error that is being handled comes from; its text may have what was given."""
        self._log.debug(getattr(request, "urn", ""), self._life.without_secrets(traceback.format_exc()))

    def in_words(self, request: Any, error: Exception) -> str:
        """Return what an error says, in the words of who declared the resource that the request is about."""
        return self._life.words(getattr(request, "urn", ""), str(error))

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  (names given by gRPC)
        """Answer with the version."""
        return plugin_pb2.PluginInfo(version=__version__)

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Let every checkpoint raise."""
        self._life.cancel()
        return empty_pb2.Empty()

    @plain_errors
    async def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the package's schema."""
        # here: Pulumi's analyzer reads all classes, for get-schema and SDKs alone
        from .schema import schema

        return proto.GetSchemaResponse(schema=json.dumps(schema()))

    @plain_errors
    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the component's urn and outputs; what is wrong in its arguments is named by path."""
        # here: the SDK and the components, for programs in other languages alone
        from .component_servicer import ComponentServicer, complete_outputs

        # before anything decodes: the SDK crashes on an output value that lacks a field
        for value in request.inputs.fields.values():
            complete_outputs(value)
        self._life.learn_component(request.type, request.name, decode(request.inputs))
        self._components = self._components or ComponentServicer(self._engine)
        return await self._components.make(request)

    @plain_errors
    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  (name given by gRPC)
        """Answer with inputs, failures, or both."""
        # on create the engine sends an empty map, which is no old resource
        old = decode(request.olds) if request.HasField("olds") and request.olds.fields else None
        checked = await self._life.life_check(request.urn, old, decode(request.news))
        failures = [proto.CheckFailure(property=f.where, reason=f.why) for f in checked.findings]
        return proto.CheckResponse(inputs=encode(checked.inputs), failures=failures)

    @plain_errors
    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the paths that differ, and no others."""
        # inputs with inputs: `olds` are the outputs of before, with much in them that `check` never sees
        old, new = decode(request.old_inputs), decode(request.news)
        changes = await self._life.life_diff(request.urn, old, decode(request.olds), new)
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
            request.urn, decode(request.properties), preview=request.preview, seconds=request.timeout
        )
        return proto.CreateResponse(id=made.id, properties=encode(made.state))

    @plain_errors
    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with outputs."""
        old = Existing(request.id, decode(request.olds), decode(request.old_inputs))
        state = await self._life.life_update(
            request.urn, old, decode(request.news), preview=request.preview, seconds=request.timeout
        )
        return proto.UpdateResponse(properties=encode(state))

    @plain_errors
    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the resource as it is; an empty id says that it is gone."""
        known = Existing(request.id, decode(request.properties), decode(request.inputs))
        seen = await self._life.life_read(request.urn, known)
        if seen is None:
            # an empty id is how a provider says "gone" (Pulumi, "Implementer's guide")
            return proto.ReadResponse(id="")
        return proto.ReadResponse(
            id=seen.id,
            properties=encode(seen.state),
            inputs=encode(seen.inputs),
        )

    @plain_errors
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Remove the resource."""
        known = Existing(request.id, decode(request.properties), decode(request.old_inputs))
        await self._life.life_delete(request.urn, known, seconds=request.timeout)
        return empty_pb2.Empty()

    @plain_errors
    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Answer with the configuration, in which what is secret is marked, and with all that is wrong in it."""
        given = decode(request.news)
        findings = await self._life.check_config(request.urn, given)
        # as they came, with the engine's own; also what the program gave in
        # the clear is hidden: the provider's inputs are in the state
        inputs = request.news
        for key in SECRETS & given.keys():
            encode_into(inputs.fields[key], Secret(reveal(given[key])))
        failures = [proto.CheckFailure(property=f.where, reason=f.why) for f in findings]
        return proto.CheckResponse(inputs=inputs, failures=failures)

    @plain_errors
    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Hand the configuration over; output values and resources are declined, since no resource of ours asks."""
        await self._life.configure(decode(request.args))
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @plain_errors
    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Another target, subscription or cloud cannot manage what this one made: replace. All else is an update.

        Without a difference the engine would go on with the provider that it has configured from the state, and a new
        client secret would be used by the run after this one. What is not known yet may be what it was.
        """
        old, new = reveal(decode(request.old_inputs)), reveal(decode(request.news))
        differing = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        # a provider that is replaced takes all of its resources along
        moved = [key for key in moved_between(old, new) if not is_unknown(new.get(key))]
        changes = proto.DiffResponse.DIFF_SOME if differing else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, replaces=moved, diffs=differing)


def _property_diffs(action: str, old: Values, new: Values, path: str) -> Iterator[tuple[str, Any]]:
    """Give the paths that show a difference: of a list one for each item that comes, goes or is another."""
    before, after = (_value_at(values, path) for values in (old, new))
    if isinstance(before, list) and isinstance(after, list) and not is_unknown(before) and not is_unknown(after):
        from .list_items import changed_items

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
