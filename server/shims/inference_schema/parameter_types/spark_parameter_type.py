"""Data frames of Spark are for the package itself."""

raise ImportError(
    "SparkParameterType is in the package inference-schema: add inference-schema[spark-support] to pip's list"
)
