"""What schemathesis is told beside its configuration: parts of uploads are bytes."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
