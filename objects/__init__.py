"""An object store: small conditional calls that files on a disk and S3 both answer."""
