"""The dashboard. Run it with: streamlit run app.py

With a folder `pages/` beside the script, Streamlit runs the first session of a server in its legacy multipage mode,
where a link to a page ends at "Page not found". So this file only launches the frame, which every session runs and
which has no such folder beside it.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import access, headers, opening
from pages.shared.ahead import reading_ahead

_FRAME = Path(__file__).parent / "pages" / "shared" / "frame.py"
app = st.App(_FRAME, lifespan=reading_ahead, middleware=[Middleware(headers.Guard), Middleware(opening.Opening)])

if get_script_run_ctx(suppress_warning=True) is not None:  # run as a script after all, as AppTest does
    from pages.shared import frame  # the server answers before it is imported

    frame.draw()
else:
    access.guard_server()
