"""Files on their way to an import: taken in parts, over as many connections as it takes."""
