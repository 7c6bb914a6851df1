"""The version of the package, of the API and in each card. A release changes it here and cuts CHANGELOG.md."""

VERSION = "0.1.0"
