"""The web application, served as it was built: a client of the HTTP API like any other, that knows nothing of the engine.

The *files* are what the build left in `static/` (`make ui`); the *application* answers with them,
or with the page that starts it.
"""

from procession.web.application import WebApplication
from procession.web.files import STATIC, is_built

__all__ = ["STATIC", "WebApplication", "is_built"]
