"""Class: a teacher leads a class through a lesson, and the class follows on its phones."""

import base64

import streamlit as st

from neuronxa_core.errors import RoomError
from neuronxa_core.interface import tr, translated
from neuronxa_core.rooms import RoomKey, link_to, qr_code, shared_rooms
from pages.learn.told import question
from pages.shared import classroom, glossary, look
from pages.shared import lesson as lessons

_HOW = """```sh
NEURONXA_MODE=shared NEURONXA_ADDRESS=http://192.168.1.20:8501 streamlit run app.py --server.address 0.0.0.0
```
"""


def open_or_join() -> None:
    """Two ways into a class: with a code, or by opening one."""
    left, right = st.columns(2, gap="large")
    with left.container(border=True, height="stretch"):
        st.markdown("## " + tr("Join"))
        with st.form("class_join", border=False):
            code = st.text_input(tr("Code of the class"), key="class_code", max_chars=12, autocomplete="off")
            asked = st.form_submit_button(tr("Join"), icon=":material/login:")
        if asked and code.strip():
            classroom.sit(classroom.join(classroom.code_of(code)))
            if classroom.role():
                st.rerun()
    with right.container(border=True, height="stretch"):
        st.markdown("## " + tr("Teach"))
        titles = {
            slug: translated(each.title) for slug, each in lessons.shelf().lessons.items() if each.kind == "lesson"
        }
        slug = st.selectbox(tr("Lesson"), list(titles), key="class_lesson", format_func=look.named(titles))
        st.button(tr("Open a class"), key="class_open", icon=":material/school:", on_click=_open, args=(slug,))


def _open(slug: str) -> None:
    try:
        st.session_state.class_role = shared_rooms().open(slug)
    except RoomError as problem:
        st.toast(look.plain(str(problem)), icon=":material/school:")


def console(held: RoomKey) -> None:
    """What the class needs to come in, on the wall; and what only the teacher needs."""
    address = classroom.public_address()
    link = link_to(address or classroom.own_address(), held.code)
    code, beside = st.columns([1.4, 1], gap="large", vertical_alignment="center")
    with code:
        st.html(f"<p class='nx-code'>{held.code}</p>")
        st.markdown(tr("Open `{link}`, or the page *Class*, and type the code. No name is asked for.", link=link))
        if not address:
            st.info(tr("This link opens on this machine only, so there is no QR code."), icon=":material/wifi_off:")
            with st.expander(tr("Let phones in"), icon=":material/smartphone:", expanded=True):
                st.markdown(
                    tr(
                        "Phones reach this dashboard only if it is started for them: in shared mode, listening on the "
                        "network, and with the address that the phones type. On the machine that runs it, with its own "
                        "address in place of this one:"
                    )
                )
                st.markdown(_HOW)
                st.markdown(
                    tr(
                        "Behind a proxy, `NEURONXA_ADDRESS` is the proxy's address. The guide's chapter *Deployment* "
                        "has more."
                    )
                )
    with beside:
        if address:
            svg = base64.b64encode(qr_code(link).encode()).decode()  # the browser takes plain SVG out of HTML
            st.html(f"<div class='nx-qr'><img alt='QR code' src='data:image/svg+xml;base64,{svg}'></div>")
    with st.container(horizontal=True, gap="small"):
        with st.popover(tr("My own link"), icon=":material/key:"):
            st.caption(tr("It brings you back as the teacher if this page is reloaded. Keep it from the wall."))
            st.code(f"{link}&key={held.key}", language=None, wrap_lines=True)
        st.button(tr("End the class"), key="class_end", icon=":material/stop:", on_click=_end, args=(held,))


def _end(held: RoomKey) -> None:
    shared_rooms().end(held)
    classroom.leave()


st.title(tr("Class"))
question(tr("How does a whole class go through a lesson together?"))
held = classroom.role()
if isinstance(held, RoomKey):
    console(held)
elif held:
    st.info(tr("Class {code}", code=held.code), icon=":material/school:")
else:
    open_or_join()
with st.expander(tr("How this works"), icon=":material/help:"):
    st.markdown(glossary.explained("class"))
