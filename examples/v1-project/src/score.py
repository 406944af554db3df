"""The script as it was deployed with v1: it finds its model by the name that it was registered with."""

import json

import numpy as np
from azureml.core.model import Model
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema

model = None
sample = np.array([[5.1, 3.5, 1.4, 0.2]])


def init():
    global model
    with open(Model.get_model_path("iris")) as file:
        model = json.load(file)


@input_schema("data", NumpyParameterType(sample))
def run(data):
    scores = data @ np.array(model["coefficients"]).T + np.array(model["intercept"])
    return [model["names"][at] for at in np.argmax(scores, axis=1)]
