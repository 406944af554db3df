"""Raw requests as Azure ML v1 had them: the script sees the body as bytes, and says status and headers itself."""

from __future__ import annotations

import struct

from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def init() -> None:
    """Nothing is loaded; a model would be."""


@rawhttp
def run(request: AMLRequest) -> AMLResponse:
    """Answer with width and height of a PNG."""
    if request.method == "GET":
        return AMLResponse("send a PNG by POST", 200)
    image = request.get_data()
    if not image.startswith(SIGNATURE):
        return AMLResponse("this is no PNG", 415)
    width, height = struct.unpack(">II", image[16:24])
    return AMLResponse({"width": width, "height": height}, 200, {"x-kind": "png"}, json_str=True)
