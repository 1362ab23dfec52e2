"""What the first visitor would wait for, done while the browser loads Streamlit: imports, and the gallery."""

import asyncio
import gc
import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from pages.shared import opening
from pages.shared.tidy import tidy_up


@asynccontextmanager
async def reading_ahead(app: Any) -> AsyncIterator[None]:
    """The server's lifespan: once it answers, a thread reads ahead; what visitors leave behind is tidied up."""
    threading.Thread(target=read_ahead, name="read-ahead", daemon=True).start()
    tidying = asyncio.create_task(tidy_up())
    yield
    tidying.cancel()


def read_ahead() -> None:
    """Imports what every page needs, and reads what the first one shows. Whatever fails here is told by the page.

    What is there by then never goes, so that no garbage collection looks through it again while all sessions wait.
    """
    with suppress(Exception):
        opening.opening()
        for page in ("pages.shared.frame", "pages.shared.run", "pages.shared.still"):
            importlib.import_module(page)
        overview = importlib.import_module("neuronxa_core.stills.overview")
        stills = importlib.import_module("neuronxa_core.stills.read")
        gallery = importlib.import_module("neuronxa_core.gallery.read")
        result = gallery.precomputed(importlib.import_module("pages.shared.study_link").DEFAULT)
        if result:
            for shown in overview.first_page(result, list(gallery.gallery_results().values())):
                stills.still_of(shown, "light")
    gc.collect()
    gc.freeze()
