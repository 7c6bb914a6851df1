"""`python -m app`: serve the API at the address in the settings."""

import uvicorn

from core.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    uvicorn.run("app.main:create_app", factory=True, host=settings.host, port=settings.port, log_level="info")
