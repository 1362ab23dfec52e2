"""The dashboard. Run it with: streamlit run app.py

If a folder `pages/` is beside the script, Streamlit treats the first session of a server as an older kind of app, in
which a link to a page ends at "Page not found". So this file is only the launcher. Every session runs the frame, which
has no such folder beside it.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import access, frame

app = st.App(frame.__file__)

if get_script_run_ctx(suppress_warning=True) is not None:  # run as a script after all, as AppTest does
    frame.draw()
else:
    access.guard_server()
