"""Files of Azure ML v1 (``inferenceconfig.json``, ``deploymentconfig.json``, environments) as what they mean here."""
