"""The dashboard. Run it with: streamlit run app.py

With a folder `pages/` beside the script, Streamlit runs the first session of a server in its legacy multipage mode,
where a link to a page ends at "Page not found". So this file only launches the frame, which every session runs and
which has no such folder beside it.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import access, frame

app = st.App(frame.__file__)

if get_script_run_ctx(suppress_warning=True) is not None:  # run as a script after all, as AppTest does
    frame.draw()
else:
    access.guard_server()
