"""The servers that are compared: what is installed, what their users would write, and how they are started.

All run the same three functions: A sums ten floats, B is a small neural network in numpy (about 2 ms), C is the mean of
64 000 floats that come as JSON. Versions are pinned, so that a figure can be looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = "bench-key"
PORT = 5201

TRIVIAL = "def a(values):\n    return sum(values)\n"
"""``model.py`` for A: nothing is imported, so that what is weighed is the server."""

MODEL = """
import numpy as np

_random = np.random.default_rng(7)
_first = (_random.standard_normal((32, 3200)) / 6).astype("float32")
_second = (_random.standard_normal((3200, 3200)) / 56).astype("float32")
_third = (_random.standard_normal((3200, 1)) / 56).astype("float32")


def network(rows):
    hidden = np.maximum(np.asarray(rows, dtype="float32") @ _first, 0)
    return (np.maximum(hidden @ _second, 0) @ _third)[:, 0]


def b(values):
    return float(network([values])[0])


def c(values):
    return float(np.asarray(values).mean())


def b_many(many):
    return [float(value) for value in network(many)]
"""
"""``model.py`` for B and C."""

_SCORE = "import json, os, model\n_function = getattr(model, os.environ['BENCH_WORK'])\n"
_OURS = _SCORE + "def run(raw_data):\n    return _function(json.loads(raw_data))\n"
_TYPED = _SCORE + "import numpy as np\ndef run(data: np.ndarray):\n    return float(data.mean())\n"
_BATCHED = "import json, model\ndef run_batch(many):\n    return model.b_many([json.loads(one) for one in many])\n"
_FASTAPI = (
    _SCORE
    + """
from typing import Any
from fastapi import Body, FastAPI
app = FastAPI()
@app.post("/score")
def score(values: Any = Body()):  # a plain def, as FastAPI wants it for code that computes
    return _function(values)
"""
)
_LITSERVE = (
    _SCORE
    + """
import litserve
class Api(litserve.LitAPI):
    def setup(self, device): pass
    def decode_request(self, request): return request
    def predict(self, values): return values_of(values)
    def encode_response(self, output): return output
many = os.environ.get("BENCH_BATCH")
def values_of(values):
    return model.b_many(values) if many else _function(values)
if __name__ == "__main__":
    api = Api(max_batch_size=16, batch_timeout=0.002) if many else Api()
    server = litserve.LitServer(api, accelerator="cpu", api_path="/score") if not hasattr(Api, "api_path") else None
    if server is None:
        api = Api(max_batch_size=16, batch_timeout=0.002, api_path="/score") if many else Api(api_path="/score")
        server = litserve.LitServer(api, accelerator="cpu")
    server.run(port=int(os.environ["BENCH_PORT"]), generate_client_file=False, log_level="warning")
"""
)
_ROBYN = (
    _SCORE
    + """
from robyn import Robyn
app = Robyn(__file__)
@app.post("/score")
def score(request):
    return json.dumps(_function(json.loads(request.body)))
app.start(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]))
"""
)
_BENTO = (
    _SCORE
    + """
import typing
import bentoml
@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Service:
    @bentoml.api(route="/score")
    def score(self, data: typing.Any) -> typing.Any:
        return _function(data)
    @bentoml.api(route="/batch", batchable=True, max_batch_size=16, max_latency_ms=1000)
    def batch(self, data: typing.List[typing.Any]) -> typing.List[float]:
        return model.b_many(data)
"""
)
_MLSERVER = (
    _SCORE
    + """
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput
many = os.environ.get("BENCH_BATCH")
class Runtime(MLModel):
    async def load(self): return True
    async def predict(self, payload):
        data, shape = payload.inputs[0].data.root, payload.inputs[0].shape
        if many:
            width = shape[1]
            values = model.b_many([data[at:at + width] for at in range(0, len(data), width)])
        else:
            values = [_function(data)]
        output = ResponseOutput(name="o", shape=[len(values), 1], datatype="FP64", data=values)
        return InferenceResponse(model_name=self.name, outputs=[output])
"""
)
_MLSERVER_MODEL = '{"name": "m", "implementation": "runtime.Runtime"%s}'
_MLSERVER_SETTINGS = (
    '{"http_port": %d, "grpc_port": 5299, "metrics_port": 5298, "host": "127.0.0.1", "parallel_workers": 0}'
)


@dataclass(frozen=True)
class Peer:
    """A server. ``command`` follows the interpreter.

    ``form`` says what bodies look like: ``plain``, ``bento`` ({"data": ...}), ``bento-many`` (a list of one) or
    ``v2`` (Open Inference Protocol).
    """

    name: str
    packages: tuple[str, ...]
    files: Mapping[str, str]
    command: tuple[str, ...]
    path: str = "/score"
    form: str = "plain"
    environ: Mapping[str, str] = field(default_factory=dict)
    keyed: bool = False


def ours(name: str = "aciml", script: str = _OURS, **environ: str) -> Peer:
    """Return our server with all that it does by default: keys checked, ids, metrics, access log."""
    variables = {
        "AML_APP_ROOT": ".",
        "AZUREML_ENTRY_SCRIPT": "score.py",
        "ACIML_PORT": str(PORT),
        "ACIML_HEALTH_PORT": str(PORT + 1),
        "ACIML_PRIMARY_KEY": KEY,
        "ACIML_SECONDARY_KEY": "another",
        **environ,
    }
    packages = ("httptools==0.9.0", "uvloop==0.23.0", "orjson==3.13.0")
    return Peer(name, packages, {"score.py": script}, (str(ROOT / "server" / "run.py"),), environ=variables, keyed=True)


def ours_typed() -> Peer:
    """Return ours with an annotated parameter, which the server parses."""
    return ours("aciml-typed", _TYPED)


def ours_batched() -> Peer:
    """Return ours with ``run_batch``."""
    return ours("aciml-batched", _BATCHED, ACIML_BATCH_SIZE="32")


_AZUREML = Peer(
    "azureml",
    ("azureml-inference-server-http==1.5.1",),
    {"score.py": "def init(): pass\n" + _OURS},
    ("-m", "azureml_inference_server_http", "--entry_script", "score.py", "--port", str(PORT)),
)
_UVICORN = ("-m", "uvicorn", "app:app", "--port", str(PORT), "--log-level", "warning", "--no-access-log")
_FAST = Peer("fastapi", ("fastapi==0.165.0", "uvicorn[standard]==0.54.0"), {"app.py": _FASTAPI}, _UVICORN)
_BENTO_COMMAND = ("-m", "bentoml", "serve", "service:Service", "--port", str(PORT))
PEERS = (
    _AZUREML,
    _FAST,
    Peer("robyn", ("robyn==0.88.0",), {"app.py": _ROBYN}, ("app.py", "--log-level", "WARN")),
    Peer("litserve", ("litserve==0.2.19",), {"app.py": _LITSERVE}, ("app.py",)),
    Peer(
        "mlserver",
        ("mlserver==1.7.1", "uvloop<0.22"),
        {
            "runtime.py": _MLSERVER,
            "model-settings.json": _MLSERVER_MODEL % "",
            "settings.json": _MLSERVER_SETTINGS % PORT,
        },
        ("-m", "mlserver.cli.main", "start", "."),
        "/v2/models/m/infer",
        "v2",
    ),
    Peer("bentoml", ("bentoml==1.4.39",), {"service.py": _BENTO}, _BENTO_COMMAND, "/score", "bento"),
)
_BATCHING = {
    "model-settings.json": _MLSERVER_MODEL % ', "max_batch_size": 16, "max_batch_time": 0.002',
}


def batching_peers() -> tuple[Peer, ...]:
    """Return the peers that put requests together, set up to do it."""
    by_name = {peer.name: peer for peer in PEERS}
    ml, lit, bento = by_name["mlserver"], by_name["litserve"], by_name["bentoml"]
    many = {"BENCH_BATCH": "1"}
    return (
        Peer("mlserver-batched", ml.packages, {**ml.files, **_BATCHING}, ml.command, ml.path, ml.form, many),
        Peer("litserve-batched", lit.packages, lit.files, lit.command, environ=many),
        Peer("bentoml-batched", bento.packages, bento.files, bento.command, "/batch", "bento-many"),
    )
