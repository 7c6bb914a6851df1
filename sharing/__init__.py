"""What the machines of a deployment share: models, data sets, uploads and runs, on one disk or by an object store."""
